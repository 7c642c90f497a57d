"""
What a run will take, before it is started.

In: the configuration, and what jobs took: here, if there are benchmarks, else on the
machine of resources/rates.csv. Out, on the terminal: jobs, hours, memory and disk of
the configuration and of the super-resolution of whole surveys.
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
