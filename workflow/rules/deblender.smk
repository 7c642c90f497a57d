"""
A network that lists sources besides super-resolving, for accurate catalogues.

In: the configuration alone; its fields are simulated here, half of them unlike the sky
model. Out: the trained network (results/deblender/network.json and its weights) and the
calibration of its fluxes, errors and probabilities. A killed training goes on from its
last whole epoch, which is kept in results/deblender/backup. Of the network trained here,
or of the one that comes trained: results/benchmark/conditions.csv, what it is worth on
unlike skies, and reliability.pdf, whether its errors are right.
"""

from superspire.methods.conditions import CONDITIONS

DRAWN_CONDITIONS = ("nominal", "two_modes", "noise_1", "noise_5", "cirrus", "degraded")


rule simulate_training_field:
    """Simulate a field for the deblender, like the model or not."""
    output:
        signal="results/deblender/fields/{part}/signal.npy",
        noise="results/deblender/fields/{part}/noise.npy",
        target="results/deblender/fields/{part}/target.npy",
        sources="results/deblender/fields/{part}/sources.npy",
    log:
        "logs/simulate_training_field/{part}.log",
    benchmark:
        "benchmarks/simulate_training_field/{part}.tsv"
    wildcard_constraints:
        part=r"(train|validation|calibration)_\d+",
    conda:
        "../../envs/tensorflow.yaml"
    threads: 1
    resources:
        mem="3GB",
        runtime="30m",
    params:
        seed=lookup("seed", within=config),
        field=deblender_field,
        departure=lookup("deblender/departure", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        code=code_digest("simulate_training_field.py"),
    script:
        "../scripts/simulate_training_field.py"


rule train_deblender:
    """Train the deblender on crops of its fields."""
    input:
        fields=deblender_files("train", config["deblender"]["fields"]),
        validation=deblender_files("validation", 1),
    output:
        network="results/deblender/network.json",
        weights="results/deblender/network.weights.h5",
        history="results/deblender/history.csv",
    log:
        "logs/train_deblender.log",
    benchmark:
        "benchmarks/train_deblender.tsv"
    conda:
        "../../envs/tensorflow.yaml"
    threads: 8
    resources:
        mem="8GB",
        runtime="24h",
        gpu=1,
    params:
        seed=lookup("seed", within=config),
        options=lookup("deblender", within=config),
        backup="results/deblender/backup",
        code=code_digest("train_deblender.py"),
    script:
        "../scripts/train_deblender.py"


rule calibrate_deblender:
    """Calibrate its fluxes, errors and probabilities on sky kept from the training."""
    input:
        fields=deblender_files("calibration", 8),
        network="results/deblender/network.json",
        weights="results/deblender/network.weights.h5",
    output:
        calibration="results/deblender/calibration.json",
        expectation="results/deblender/expectation.csv",
    log:
        "logs/calibrate_deblender.log",
    benchmark:
        "benchmarks/calibrate_deblender.tsv"
    conda:
        "../../envs/tensorflow.yaml"
    threads: 8
    resources:
        mem="8GB",
        runtime="1h",
    params:
        seed=lookup("seed", within=config),
        noise=lookup("deblender/noise", within=config),
        levels=calibration_noises,
        dust_library=lookup("simulation/dust_library", within=config),
        code=code_digest("calibrate_deblender.py"),
    script:
        "../scripts/calibrate_deblender.py"


rule try_condition:
    """Measure the deblender on sky or observations unlike those of its training."""
    input:
        network=deblender("network.json"),
        weights=deblender("network.weights.h5"),
        calibration=deblender("calibration.json"),
        expectation=deblender("expectation.csv"),
        statistics="results/methods/statistics.json",
        threshold="results/methods/multiband_filter_threshold.json",
    output:
        summary="results/deblender/conditions/{condition}.csv",
        diagram="results/deblender/conditions/{condition}_diagram.csv",
        counts="results/deblender/conditions/{condition}_counts.csv",
    log:
        "logs/try_condition/{condition}.log",
    benchmark:
        "benchmarks/try_condition/{condition}.tsv"
    wildcard_constraints:
        condition="|".join(CONDITIONS),
    conda:
        "../../envs/tensorflow.yaml"
    threads: 2
    resources:
        mem="8GB",
        runtime="30m",
    params:
        seed=lookup("seed", within=config),
        area=lookup("independent/area", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        match_radius=lookup("extraction/match_radius", within=config),
        strict_radius=lookup("extraction/strict_radius", within=config),
        code=code_digest("try_condition.py"),
    script:
        "../scripts/try_condition.py"


rule compare_conditions:
    """Put what was measured on unlike skies into one table."""
    input:
        expand("results/deblender/conditions/{condition}.csv", condition=CONDITIONS),
    output:
        report(
            "results/benchmark/conditions.csv",
            caption="../report/conditions.rst",
            category="Pretrained network",
            labels={"shows": "unlike skies"},
        ),
    log:
        "logs/compare_conditions.log",
    benchmark:
        "benchmarks/compare_conditions.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem="1GB",
        runtime="10m",
    params:
        code=code_digest("join_tables.py"),
    script:
        "../scripts/join_tables.py"


rule plot_reliability:
    """Draw how often stated errors and probabilities are right."""
    input:
        diagrams=expand(
            "results/deblender/conditions/{condition}_diagram.csv",
            condition=DRAWN_CONDITIONS,
        ),
        counts=expand(
            "results/deblender/conditions/{condition}_counts.csv",
            condition=DRAWN_CONDITIONS,
        ),
    output:
        pdf=report(
            "results/benchmark/reliability.pdf",
            caption="../report/reliability.rst",
            category="Pretrained network",
            labels={"shows": "reliability diagrams"},
        ),
        png="results/benchmark/reliability.png",
        csv="results/benchmark/reliability.csv",
        counts="results/benchmark/reliability_counts.csv",
    log:
        "logs/plot_reliability.log",
    benchmark:
        "benchmarks/plot_reliability.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="10m",
    params:
        conditions=DRAWN_CONDITIONS,
        code=code_digest("plot_reliability.py"),
    script:
        "../scripts/plot_reliability.py"


rule publish_deblender:
    """Put the trained network where fields find it without any training."""
    input:
        network="results/deblender/network.json",
        weights="results/deblender/network.weights.h5",
        calibration="results/deblender/calibration.json",
        expectation="results/deblender/expectation.csv",
        colours="results/training/colours.json",
    output:
        network="results/deblender/published/network.json",
        weights="results/deblender/published/network.npz",
        calibration="results/deblender/published/calibration.json",
        expectation="results/deblender/published/expectation.csv",
        colours="results/deblender/published/colours.json",
    log:
        "logs/publish_deblender.log",
    benchmark:
        "benchmarks/publish_deblender.tsv"
    conda:
        "../../envs/tensorflow.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="10m",
    params:
        configuration=lookup("deblender", within=config),
        code=code_digest("publish_deblender.py"),
    script:
        "../scripts/publish_deblender.py"
