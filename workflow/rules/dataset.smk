"""
Cutouts of 424 arcsec and the images of the network (sections 2.1, 2.2 and 3.1).

In: the maps of every sky. Out: for each dataset (simulated, observed, independent) the
native cutouts of each band and their index; the scales of all bands; the positions of
the target sources; the flips and rotations of the observed set; and the SPIRE bands
interpolated to pixels of 1 arcsec, the observed ones renormalised.
"""


rule cut_cutouts:
    """Cut a dataset out of its maps and split it by sky region."""
    input:
        maps=sky_maps,
    output:
        index="results/cutouts/{dataset}/index.csv",
        stacks=expand("results/cutouts/{{dataset}}/{band}.npy", band=PAPER_BANDS),
    log:
        "logs/cut_cutouts/{dataset}.log",
    benchmark:
        "benchmarks/cut_cutouts/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(300, per_input=4),
    params:
        code=code_digest("cut_cutouts.py"),
        skies=skies,
        cutouts=lookup("simulation/cutouts", within=config),
        validation_fraction=lookup("simulation/validation_fraction", within=config),
        test_fraction=lookup("simulation/test_fraction", within=config),
        grid=lookup("observed/grid", within=config),
        step=lookup("observed/step", within=config),
    script:
        "../scripts/cut_cutouts.py"


rule measure_normalisation:
    """Find the linear scale of each band and renormalise the observed bands."""
    input:
        index="results/cutouts/simulated/index.csv",
        simulated=expand("results/cutouts/simulated/{band}.npy", band=PAPER_BANDS),
        maps=expand("results/skies/{sky}/{band}.fits", sky=SIMULATED, band=PAPER_BANDS),
        observed=expand("results/skies/observed/{band}.fits", band=PAPER_BANDS),
    output:
        "results/cutouts/normalisation.json",
    log:
        "logs/measure_normalisation.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(300, per_input=0.7),
    params:
        skies=SIMULATED,
        code=code_digest("measure_normalisation.py"),
    script:
        "../scripts/measure_normalisation.py"


rule find_sources:
    """Find the target sources at which the losses compare fluxes (S/N > 3)."""
    input:
        targets="results/cutouts/{dataset}/450.npy",
    output:
        "results/sources/{dataset}.npz",
    log:
        "logs/find_sources/{dataset}.log",
    benchmark:
        "benchmarks/find_sources/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 2
    resources:
        mem_mb=memory(300, per_input=1.2),
    params:
        code=code_digest("find_sources.py"),
    script:
        "../scripts/find_sources.py"


rule augment_cutouts:
    """List the flips and rotations that make the observed training set."""
    input:
        index="results/cutouts/observed/index.csv",
    output:
        "results/cutouts/observed/augmentation.csv",
    log:
        "logs/augment_cutouts.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("augment_cutouts.py"),
    script:
        "../scripts/augment_cutouts.py"


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
