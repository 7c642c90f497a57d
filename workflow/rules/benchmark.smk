"""
How fast the workflow is on this machine; nothing else should run meanwhile.

Out, in results/benchmark: simulation.csv, the time and memory of the sky model;
training.csv, the speed of a training step.
"""


rule benchmark:
    """Measure the speed of what takes time."""
    input:
        "results/benchmark/simulation.csv",
        "results/benchmark/training.csv",


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
        mem_mb=memory(7400),
    params:
        code=code_digest("benchmark_simulation.py"),
    script:
        "../scripts/benchmark_simulation.py"


rule benchmark_training:
    """Measure the speed of a training step, lever by lever."""
    output:
        "results/benchmark/training.csv",
    log:
        "logs/benchmark_training.log",
    conda:
        "../../envs/tensorflow.yaml"
    threads: 2
    resources:
        mem_mb=memory(15400),
        runtime="1h",
    params:
        base_filters=[16, 64],
        code=code_digest("benchmark_training.py"),
    script:
        "../scripts/benchmark_training.py"
