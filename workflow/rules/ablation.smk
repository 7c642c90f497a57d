"""
What each choice in the deblender's recipe is worth: one change at a time.

In: fields of the deblender, and the colours and confusion of the benchmark of methods.
Out: results/benchmark/ablation.csv. Every variant sees as many images, but for those of
another size, which get the time of the recipe.
"""

ABLATION_IMAGES = 4000
ABLATION_TRAINING = {"epochs": 1, "images": ABLATION_IMAGES}
ABLATION_CONDITIONS = ("nominal", "two_modes", "noise_5")
ABLATION = {
    "recipe": ("the recipe", {}),
    "alike": ("sky and images as the model says", {"vary": None}),
    "rate_half": ("half the learning rate", {"learning_rate": 0.001}),
    "rate_twice": ("twice the learning rate", {"learning_rate": 0.004}),
    "heavy_sources": (
        "terms of sources 10 times as heavy",
        {"weights": {"detection": 2.0, "flux": 0.2, "place": 0.1}},
    ),
    "rounding": ("log-cosh of 3 mJy/beam", {"rounding": 3.0}),
    "narrow": (
        "16 features, in equal time",
        {"base_filters": 16, "images": int(2.2 * ABLATION_IMAGES)},
    ),
}


wildcard_constraints:
    ablation="|".join(ABLATION),


use rule train_deblender as train_ablation with:
    input:
        fields=lambda wildcards: deblender_files(
            "train", config["deblender"]["fields"], wildcards.ablation == "alike"
        ),
        validation=deblender_files("validation", 1),
    output:
        network="results/ablation/{ablation}/network.json",
        weights="results/ablation/{ablation}/network.weights.h5",
        history="results/ablation/{ablation}/history.csv",
    log:
        "logs/train_ablation/{ablation}.log",
    benchmark:
        "benchmarks/train_ablation/{ablation}.tsv"
    params:
        seed=lookup("seed", within=config),
        options=lambda wildcards: {
            **config["deblender"],
            **ABLATION_TRAINING,
            **ABLATION[wildcards.ablation][1],
        },
        backup="results/ablation/{ablation}/backup",
        code=code_digest("train_deblender.py"),


use rule calibrate_deblender as calibrate_ablation with:
    input:
        fields=deblender_files("calibration", 2),
        network="results/ablation/{ablation}/network.json",
        weights="results/ablation/{ablation}/network.weights.h5",
    output:
        calibration="results/ablation/{ablation}/calibration.json",
        expectation="results/ablation/{ablation}/expectation.csv",
    log:
        "logs/calibrate_ablation/{ablation}.log",
    benchmark:
        "benchmarks/calibrate_ablation/{ablation}.tsv"
    params:
        seed=lookup("seed", within=config),
        noise=lookup("deblender/noise", within=config),
        levels=[5.0],
        dust_library=lookup("simulation/dust_library", within=config),
        code=code_digest("calibrate_deblender.py"),


use rule try_condition as try_ablation with:
    input:
        network="results/ablation/{ablation}/network.json",
        weights="results/ablation/{ablation}/network.weights.h5",
        calibration="results/ablation/{ablation}/calibration.json",
        expectation="results/ablation/{ablation}/expectation.csv",
        statistics="results/methods/statistics.json",
        threshold="results/methods/multiband_filter_threshold.json",
    output:
        summary="results/ablation/{ablation}/{condition}.csv",
        diagram="results/ablation/{ablation}/{condition}_diagram.csv",
        counts="results/ablation/{ablation}/{condition}_counts.csv",
    log:
        "logs/try_ablation/{ablation}/{condition}.log",
    benchmark:
        "benchmarks/try_ablation/{ablation}/{condition}.tsv"


rule compare_ablation:
    """Put what every change of the recipe does into one table."""
    input:
        networks=expand("results/ablation/{ablation}/network.json", ablation=ABLATION),
        tables=expand(
            "results/ablation/{ablation}/{condition}.csv",
            ablation=ABLATION,
            condition=ABLATION_CONDITIONS,
        ),
    output:
        report(
            "results/benchmark/ablation.csv",
            caption="../report/ablation.rst",
            category="Pretrained network",
            labels={"shows": "choices of the recipe"},
        ),
    log:
        "logs/compare_ablation.log",
    benchmark:
        "benchmarks/compare_ablation.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem="1GB",
        runtime="10m",
    params:
        titles={name: title for name, (title, _) in ABLATION.items()},
        code=code_digest("compare_ablation.py"),
    script:
        "../scripts/compare_ablation.py"
