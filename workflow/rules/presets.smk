"""
What each preset of the loss buys: there is no single best deconvolution (section 5).

In: what the training takes, and independent sky. Out: results/benchmark/presets.csv, one
row for each preset and range of flux, from trainings of half as many epochs as the
configured one.
"""

from superspire.unet.presets import PRESETS


wildcard_constraints:
    preset="|".join(PRESETS),


use rule train_network as train_preset with:
    output:
        network="results/presets/{preset}/network.json",
        weights="results/presets/{preset}/network.weights.h5",
        history="results/presets/{preset}/history.csv",
    log:
        "logs/train_preset/{preset}.log",
    benchmark:
        "benchmarks/train_preset/{preset}.tsv"
    params:
        loss=lambda wildcards: {
            **config["loss"],
            "preset": wildcards.preset,
            "weights": {},
        },
        training={**config["training"], "epochs": -(-config["training"]["epochs"] // 2)},
        tensorboard="results/presets/{preset}/tensorboard",


use rule super_resolve as super_resolve_preset with:
    input:
        network="results/presets/{preset}/network.json",
        weights="results/presets/{preset}/network.weights.h5",
        images="results/interpolated/independent.npy",
        index="results/cutouts/independent/index.csv",
    output:
        images="results/presets/{preset}/independent.npy",
        index="results/presets/{preset}/independent.csv",
    log:
        "logs/super_resolve_preset/{preset}.log",
    benchmark:
        "benchmarks/super_resolve_preset/{preset}.tsv"


rule compare_presets:
    """Measure the network of every preset on independent sky."""
    input:
        images=expand("results/presets/{preset}/independent.npy", preset=PRESETS),
        target="results/cutouts/independent/450.npy",
    output:
        "results/benchmark/presets.csv",
    log:
        "logs/compare_presets.log",
    benchmark:
        "benchmarks/compare_presets.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1400),
        runtime="30m",
    params:
        presets=list(PRESETS),
        limits=validation_options,
        code=code_digest("compare_presets.py"),
    script:
        "../scripts/compare_presets.py"
