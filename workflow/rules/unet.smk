"""
The paper's network: training, super-resolution and flux calibration (sections 3 and 4).

In: the interpolated images, the targets with their sources, the scales. Out: the
network (network.json and its weights), its losses and validation scores in
results/training; the super-resolved (SR) images of each dataset; and in
results/calibration the factors from super-resolved to 450 µm flux. A killed training resumes
from its last complete epoch, which is kept in results/training/checkpoint.
"""


rule train_network:
    """Train on the simulated set once and the observed set three times per epoch."""
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
        network="results/training/network.json",
        weights="results/training/network.weights.h5",
        history="results/training/history.csv",
    log:
        "logs/train_network.log",
    benchmark:
        "benchmarks/train_network.tsv"
    conda:
        "../../envs/tensorflow.yaml"
    threads: 8
    resources:
        mem_mb=training_memory(),
        runtime="24h",
        gpu=1,
    params:
        code=code_digest("train_network.py"),
        seed=lookup("seed", within=config),
        network=unet_options,
        loss=lookup("loss", within=config),
        training=lookup("training", within=config),
        validation=validation_options,
        configuration=training_configuration,
        checkpoint="results/training/checkpoint",
        tensorboard="results/training/tensorboard",
    script:
        "../scripts/train_network.py"


rule plot_learning:
    """Plot every term of the loss and the validation scores against the epoch."""
    input:
        history="results/training/history.csv",
        network="results/training/network.json",
    output:
        report(
            multiext("results/training/learning_curves", ".pdf", ".png"),
            caption="../report/learning_curves.rst",
            category="Training",
        ),
    log:
        "logs/plot_learning.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("plot_learning.py"),
    script:
        "../scripts/plot_learning.py"


rule super_resolve:
    """Apply the network to a dataset's images that it was not trained on."""
    input:
        network="results/training/network.json",
        weights="results/training/network.weights.h5",
        images="results/interpolated/{dataset}.npy",
        index="results/cutouts/{dataset}/index.csv",
    output:
        images="results/superresolved/{dataset}.npy",
        index="results/superresolved/{dataset}.csv",
    log:
        "logs/super_resolve/{dataset}.log",
    conda:
        "../../envs/tensorflow.yaml"
    threads: 2
    resources:
        mem_mb=memory(1500, per_input=0.6),
        runtime="1h",
    params:
        code=code_digest("super_resolve.py"),
    script:
        "../scripts/super_resolve.py"


rule calibrate_fluxes:
    """Calibrate super-resolved fluxes by sources and through the 500 µm map."""
    input:
        superresolved="results/superresolved/{dataset}.npy",
        evaluated="results/superresolved/{dataset}.csv",
        index="results/cutouts/{dataset}/index.csv",
        target="results/cutouts/{dataset}/450.npy",
        inputs="results/interpolated/{dataset}.npy",
    output:
        "results/calibration/{dataset}.json",
    log:
        "logs/calibrate_fluxes/{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(600, per_input=0.3),
    params:
        method=lookup("calibration/method", within=config),
        brightest_fraction=lookup("calibration/brightest_fraction", within=config),
        threshold=lookup("extraction/threshold", within=config),
        min_flux=lookup("extraction/min_flux", within=config),
        code=code_digest("calibrate_fluxes.py"),
    script:
        "../scripts/calibrate_fluxes.py"
