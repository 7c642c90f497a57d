"""
How fast the workflow is on this machine; nothing else should run meanwhile.

Out, in results/benchmark: simulation.csv, the time and memory of the sky model.
"""


rule benchmark:
    """Measure the speed of what takes time."""
    input:
        "results/benchmark/simulation.csv",


rule benchmark_simulation:
    """Measure the speed and the memory of the sky model."""
    output:
        "results/benchmark/simulation.csv",
    log:
        "logs/benchmark_simulation.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 2
    resources:
        mem="8GB",
        runtime="30m",
    params:
        code=code_digest("benchmark_simulation.py"),
    script:
        "../scripts/benchmark_simulation.py"
