"""
The paper's network trained with other losses, each a method of the benchmark.

In: what the training takes. Out: results/variants/{variant}/network.json with its
weights and history, and the calibration of its fluxes on the simulated set.

literal: all terms as the paper writes them, with weights of one. galaxygan: eq. 3, the
loss of GalaxyGAN (Schawinski et al. 2017), that of a conditional discriminator and 100
times the mean absolute difference of the pixels.
"""

NO_TERMS = dict.fromkeys(("aperture", "spurious", "mean", "median"), 0.0)
VARIANTS = {
    "literal": {"preset": "literal", "weights": {}, "pixel": "l1"},
    "galaxygan": {
        "preset": "literal",
        "weights": {**NO_TERMS, "pixel": 100.0},
        "pixel": "l1",
        "adversarial": 1.0,
    },
}


wildcard_constraints:
    variant="|".join(VARIANTS),


rule train_variant:
    """Train the network as configured, but with another loss."""
    input:
        simulated="results/interpolated/simulated.npy",
        simulated_target="results/cutouts/simulated/450.npy",
        simulated_index="results/cutouts/simulated/index.csv",
        simulated_sources="results/sources/simulated.npz",
        observed="results/interpolated/observed.npy",
        observed_target="results/cutouts/observed/450.npy",
        observed_sources="results/sources/observed.npz",
        augmentation="results/cutouts/observed/augmentation.csv",
        normalisation="results/cutouts/normalisation.json",
    output:
        network="results/variants/{variant}/network.json",
        weights="results/variants/{variant}/network.weights.h5",
        history="results/variants/{variant}/history.csv",
    log:
        "logs/train_variant/{variant}.log",
    benchmark:
        "benchmarks/train_variant/{variant}.tsv"
    conda:
        "../../envs/tensorflow.yaml"
    threads: 8
    resources:
        mem_mb=training_memory(),
        runtime="24h",
        gpu=1,
    params:
        code=code_digest("train_variant.py"),
        seed=lookup("seed", within=config),
        network=unet_options,
        loss=lambda wildcards: {**config["loss"], **VARIANTS[wildcards.variant]},
        training=lookup("training", within=config),
        validation=validation_options,
        configuration=training_configuration,
        backup="results/variants/{variant}/backup",
        tensorboard="results/variants/{variant}/tensorboard",
    script:
        "../scripts/train_variant.py"


use rule super_resolve as super_resolve_variant with:
    input:
        network="results/variants/{variant}/network.json",
        weights="results/variants/{variant}/network.weights.h5",
        images="results/interpolated/simulated.npy",
        index="results/cutouts/simulated/index.csv",
    output:
        images="results/variants/{variant}/simulated.npy",
        index="results/variants/{variant}/simulated.csv",
    log:
        "logs/super_resolve_variant/{variant}.log",
    benchmark:
        "benchmarks/super_resolve_variant/{variant}.tsv"


use rule calibrate_fluxes as calibrate_variant with:
    input:
        superresolved="results/variants/{variant}/simulated.npy",
        evaluated="results/variants/{variant}/simulated.csv",
        index="results/cutouts/simulated/index.csv",
        target="results/cutouts/simulated/450.npy",
        inputs="results/interpolated/simulated.npy",
    output:
        "results/variants/{variant}/calibration.json",
    log:
        "logs/calibrate_variant/{variant}.log",
    benchmark:
        "benchmarks/calibrate_variant/{variant}.tsv"
