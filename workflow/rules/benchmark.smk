"""
How fast the workflow is on this machine; nothing else should run meanwhile.

Out, in results/benchmark: simulation.csv, the time and memory of the sky model;
training.csv, the speed of a training step; scale.csv, time and memory against the area
of sky, and the time that planning takes.
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


rule benchmark_scale:
    """Measure time and memory against the area of sky and the number of fields."""
    input:
        network=resource("pretrained/spire/network.json"),
        weights=resource("pretrained/spire/network.npz"),
        calibration=resource("pretrained/spire/calibration.json"),
    output:
        "results/benchmark/scale.csv",
    log:
        "logs/benchmark_scale.log",
    conda:
        "../../envs/tensorflow.yaml"
    threads: 2
    resources:
        mem_mb=memory(7400),
        runtime="1h",
    params:
        simulated=[1.0, 5.0, 20.0],
        deblended=[1.0, 4.0, 9.0],
        planned=[(1, 10000), (100, 10000), (1000, 10000)],
        snakefile=str(HERE.parent.parent / "Snakefile"),
        code=code_digest("benchmark_scale.py"),
    script:
        "../scripts/benchmark_scale.py"
