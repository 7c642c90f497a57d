"""
What a run will take, before it is started.

In: the configuration, and what jobs took: here, if there are benchmarks, else on the
machine of resources/rates.csv. Out, on the terminal: jobs, hours, memory and disk of
the configuration and of the super-resolution of whole surveys. And, in
results/benchmark/scale.csv, time and memory against the area of sky, and the time that
planning takes.
"""


rule plan:
    """Print jobs, hours, memory and disk of the configuration and of surveys."""
    input:
        rates=resource("rates.csv"),
        surveys=resource("surveys.csv"),
    log:
        "logs/plan.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem="1GB",
        runtime="5m",
    params:
        config=config,
        area=os.environ.get("AREA", ""),
        benchmarks="benchmarks",
        code=code_digest("plan.py"),
    script:
        "../scripts/plan.py"


rule benchmark_scale:
    """Measure time and memory against the area of sky and the number of fields."""
    input:
        network=resource("pretrained/network.json"),
        weights=resource("pretrained/network.npz"),
        calibration=resource("pretrained/calibration.json"),
    output:
        "results/benchmark/scale.csv",
    log:
        "logs/benchmark_scale.log",
    benchmark:
        "benchmarks/benchmark_scale.tsv"
    conda:
        "../../envs/tensorflow.yaml"
    threads: 2
    resources:
        mem="8GB",
        runtime="1h",
    params:
        simulated=[1.0, 5.0, 20.0],
        deblended=[1.0, 4.0, 9.0],
        planned=[(1, 10000), (100, 10000), (1000, 10000)],
        snakefile=str(HERE.parent.parent / "Snakefile"),
        code=code_digest("benchmark_scale.py"),
    script:
        "../scripts/benchmark_scale.py"
