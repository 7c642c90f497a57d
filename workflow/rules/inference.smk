"""Super-resolution of the test sets (section 4).

In: the trained network and the interpolated images. Out: the super-resolved (SR) images
of each dataset and the rows of its index that they belong to.
"""


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
    benchmark:
        "benchmarks/super_resolve/{dataset}.tsv"
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
