"""Training of the network (section 3).

In: the interpolated images, the targets with their sources, the scales. Out: the
network (network.json and its weights), the history of its losses and validation scores
and their curves. A killed training goes on from its last whole epoch, which is kept in
results/training/backup.
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
        backup="results/training/backup",
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
    benchmark:
        "benchmarks/plot_learning.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(400),
        runtime="10m",
    params:
        code=code_digest("plot_learning.py"),
    script:
        "../scripts/plot_learning.py"
