"""Interpolation of the SPIRE bands to pixels of 1 arcsec (section 3.1).

In: the native cutouts of a dataset. Out: one array of three-band images, in which the
observed bands are renormalised.
"""


rule interpolate_cutouts:
    """Interpolate each band at the sky position of every output pixel."""
    input:
        index="results/cutouts/{dataset}/index.csv",
        stacks=expand("results/cutouts/{{dataset}}/{band}.npy", band=SPIRE),
        maps=sky_maps,
        normalisation="results/cutouts/normalisation.json",
    output:
        "results/interpolated/{dataset}.npy",
    log:
        "logs/interpolate_cutouts/{dataset}.log",
    benchmark:
        "benchmarks/interpolate_cutouts/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 2
    resources:
        mem_mb=memory(500, per_input=3),
        runtime="1h",
    params:
        code=code_digest("interpolate_cutouts.py"),
        skies=skies,
    script:
        "../scripts/interpolate_cutouts.py"
