"""
The deblender: a network that super-resolves and lists sources.

In: the configuration alone; its fields are simulated here, most of them perturbed. Out:
the trained network (results/deblender/network.json and its weights) and the calibration
of its fluxes, errors and probabilities. A killed training resumes from its last complete
epoch in results/deblender/checkpoint. Of this network, or of the pretrained one:
results/benchmark/conditions.csv, its accuracy on other skies and observations of SPIRE
(results/deblender/conditions/mips_15.csv and so on with a map of 24 µm besides, for the
network that takes one); reliability.pdf, whether its errors are right;
stacking_bias.pdf, whether its map may be stacked; bands.csv, what each band adds to a
network of many; ablation.csv, the effect of each choice of the recipe, with as many
images for every variant or, for networks of another size, as much time.
"""

from superspire.methods.conditions import CONDITIONS, SPIRE_ALONE, WITH_24

PUBLISHED = {
    variant: {
        "network": deblender("network.json", variant),
        "weights": deblender("network.weights.h5", variant),
        "calibration": deblender("calibration.json", variant),
        "selection_function": deblender("selection_function.csv", variant),
    }
    for variant in ("spire", "spire_24")
}
DRAWN_CONDITIONS = ("nominal", "2sfm", "noise_1", "noise_9", "cirrus", "degraded")
STACKED_CONDITIONS = ("nominal", "noise_9")
STACKED_SKIES = 2


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
    resources:
        mem_mb=memory(2400),
    params:
        seed=lookup("seed", within=config),
        field=deblender_field,
        perturbation=lookup("deblender/perturbation", within=config),
        bands=lookup("deblender/bands", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        code=code_digest("simulate_training_field.py"),
    script:
        "../scripts/simulate_training_field.py"


rule train_deblender:
    """Train the deblender on crops of its fields."""
    input:
        fields=deblender_files("train", config["deblender"]["fields"]),
        validation=deblender_files("validation", 1),
        initial=initial_network(),
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
        mem_mb=memory(7400),
        runtime="24h",
        gpu=1,
    params:
        seed=lookup("seed", within=config),
        options=lookup("deblender", within=config),
        checkpoint="results/deblender/checkpoint",
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
        selection_function="results/deblender/selection_function.csv",
    log:
        "logs/calibrate_deblender.log",
    benchmark:
        "benchmarks/calibrate_deblender.tsv"
    conda:
        "../../envs/tensorflow.yaml"
    threads: 8
    resources:
        mem_mb=memory(7400),
        runtime="1h",
    params:
        seed=lookup("seed", within=config),
        noise=lookup("deblender/noise", within=config),
        levels=calibration_levels,
        bands=lookup("deblender/bands", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        code=code_digest("calibrate_deblender.py"),
    script:
        "../scripts/calibrate_deblender.py"


rule measure_robustness:
    """Measure the deblender on sky or observations that differ from its training."""
    input:
        unpack(
            lambda wildcards: PUBLISHED[
                "spire_24" if wildcards.condition in WITH_24 else "spire"
            ]
        ),
        statistics="results/methods/statistics.json",
        threshold="results/methods/multiband_filter_threshold.json",
    output:
        summary="results/deblender/conditions/{condition}.csv",
        diagram="results/deblender/conditions/{condition}_diagram.csv",
        counts="results/deblender/conditions/{condition}_counts.csv",
        blends="results/deblender/conditions/{condition}_blends.csv",
    log:
        "logs/measure_robustness/{condition}.log",
    wildcard_constraints:
        condition="|".join(CONDITIONS),
    conda:
        "../../envs/tensorflow.yaml"
    threads: 2
    resources:
        mem_mb=memory(7400),
    params:
        seed=lookup("seed", within=config),
        area=lookup("independent/area", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        match_radius=lookup("extraction/match_radius", within=config),
        strict_radius=lookup("extraction/strict_radius", within=config),
        code=code_digest("measure_robustness.py"),
    script:
        "../scripts/measure_robustness.py"


rule compare_conditions:
    """Combine the measurements of robustness in one table."""
    input:
        expand("results/deblender/conditions/{condition}.csv", condition=SPIRE_ALONE),
    output:
        report(
            "results/benchmark/conditions.csv",
            caption="../report/conditions.rst",
            category="Pretrained network",
            labels={"shows": "robustness"},
        ),
    log:
        "logs/compare_conditions.log",
    conda:
        "../../envs/analysis.yaml"
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
    conda:
        "../../envs/analysis.yaml"
    params:
        conditions=DRAWN_CONDITIONS,
        code=code_digest("plot_reliability.py"),
    script:
        "../scripts/plot_reliability.py"


rule measure_bands:
    """Measure what each band of a network of many bands adds to SPIRE."""
    input:
        network="results/deblender/network.json",
        weights="results/deblender/network.weights.h5",
        field=deblender_files("validation", 1),
    output:
        table=report(
            "results/benchmark/bands.csv",
            caption="../report/bands.rst",
            category="Pretrained network",
            labels={"shows": "what each band adds"},
        ),
    log:
        "logs/measure_bands.log",
    conda:
        "../../envs/tensorflow.yaml"
    threads: 8
    resources:
        mem_mb=memory(7400),
    params:
        noises=[2.0, 5.0],
        code=code_digest("measure_bands.py"),
    script:
        "../scripts/measure_bands.py"


rule measure_stacking_bias:
    """Stack the super-resolved map at the positions of faint true sources."""
    input:
        network=deblender("network.json"),
        weights=deblender("network.weights.h5"),
        calibration=deblender("calibration.json"),
    output:
        "results/benchmark/stacking_bias.csv",
    log:
        "logs/measure_stacking_bias.log",
    conda:
        "../../envs/tensorflow.yaml"
    threads: 2
    resources:
        mem_mb=memory(7400),
    params:
        seed=lookup("seed", within=config),
        area=lookup("independent/area", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        conditions=STACKED_CONDITIONS,
        skies=STACKED_SKIES,
        code=code_digest("measure_stacking_bias.py"),
    script:
        "../scripts/measure_stacking_bias.py"


rule plot_stacking_bias:
    """Draw what the super-resolved map leaves of the flux of stacked sources."""
    input:
        "results/benchmark/stacking_bias.csv",
    output:
        pdf=report(
            "results/benchmark/stacking_bias.pdf",
            caption="../report/stacking_bias.rst",
            category="Pretrained network",
            labels={"shows": "bias of stacks"},
        ),
        png="results/benchmark/stacking_bias.png",
    log:
        "logs/plot_stacking_bias.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("plot_stacking_bias.py"),
    script:
        "../scripts/plot_stacking_bias.py"


rule publish_deblender:
    """Put the trained network where fields find it without any training."""
    input:
        network="results/deblender/network.json",
        weights="results/deblender/network.weights.h5",
        calibration="results/deblender/calibration.json",
        selection_function="results/deblender/selection_function.csv",
        expected_sky="results/training/expected_sky.json",
    output:
        network="results/deblender/published/network.json",
        weights="results/deblender/published/network.npz",
        calibration="results/deblender/published/calibration.json",
        selection_function="results/deblender/published/selection_function.csv",
        expected_sky="results/deblender/published/expected_sky.json",
    log:
        "logs/publish_deblender.log",
    conda:
        "../../envs/tensorflow.yaml"
    params:
        configuration=lookup("deblender", within=config),
        code=code_digest("publish_deblender.py"),
    script:
        "../scripts/publish_deblender.py"


ABLATION_IMAGES = 4000
ABLATION_TRAINING = {"epochs": 1, "images": ABLATION_IMAGES}
ABLATION_CONDITIONS = ("nominal", "2sfm", "noise_5")
ABLATION = {
    "recipe": ("the recipe", {}),
    "alike": ("sky and images as the model says", {"noise_augmentation": None}),
    "rate_half": ("half the learning rate", {"learning_rate": 0.002}),
    "rate_twice": ("twice the learning rate", {"learning_rate": 0.008}),
    "no_average": ("no moving average of the weights", {"average": None}),
    "heavy_sources": (
        "terms of sources 10 times as heavy",
        {"weights": {"detection": 2.0, "flux": 0.4, "position": 0.1}},
    ),
    "logcosh_width": ("log-cosh of 3 mJy/beam", {"logcosh_width": 3.0}),
    "wide": (
        "32 features, in equal time",
        {"base_filters": 32, "images": int(ABLATION_IMAGES / 2.2)},
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
        initial=initial_network(),
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
        checkpoint="results/ablation/{ablation}/checkpoint",
        code=code_digest("train_deblender.py"),


use rule calibrate_deblender as calibrate_ablation with:
    input:
        fields=deblender_files("calibration", 2),
        network="results/ablation/{ablation}/network.json",
        weights="results/ablation/{ablation}/network.weights.h5",
    output:
        calibration="results/ablation/{ablation}/calibration.json",
        selection_function="results/ablation/{ablation}/selection_function.csv",
    log:
        "logs/calibrate_ablation/{ablation}.log",
    benchmark:
        "benchmarks/calibrate_ablation/{ablation}.tsv"
    params:
        seed=lookup("seed", within=config),
        noise=lookup("deblender/noise", within=config),
        levels=lambda wildcards: [
            (noise, config["deblender"]["depth"])
            for noise in sorted({config["deblender"]["noise"], 5.0})
        ],
        bands=lookup("deblender/bands", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        code=code_digest("calibrate_deblender.py"),


use rule measure_robustness as try_ablation with:
    input:
        network="results/ablation/{ablation}/network.json",
        weights="results/ablation/{ablation}/network.weights.h5",
        calibration="results/ablation/{ablation}/calibration.json",
        selection_function="results/ablation/{ablation}/selection_function.csv",
        statistics="results/methods/statistics.json",
        threshold="results/methods/multiband_filter_threshold.json",
    output:
        summary="results/ablation/{ablation}/{condition}.csv",
        diagram="results/ablation/{ablation}/{condition}_diagram.csv",
        counts="results/ablation/{ablation}/{condition}_counts.csv",
        blends="results/ablation/{ablation}/{condition}_blends.csv",
    log:
        "logs/try_ablation/{ablation}/{condition}.log",


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
    conda:
        "../../envs/analysis.yaml"
    params:
        titles={name: title for name, (title, _) in ABLATION.items()},
        code=code_digest("compare_ablation.py"),
    script:
        "../scripts/compare_ablation.py"
