"""
Flux calibration (section 4).

In: super-resolved cutouts, the 450 µm and the interpolated 500 µm ones.
Out: results/calibration/{dataset}.json with 450 = factor x SR + offset.
"""


rule calibrate_fluxes:
    """Fit 500 to 450 and 500 to super-resolved flux, and join the two."""
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
    benchmark:
        "benchmarks/calibrate_fluxes/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(600, per_input=0.3),
        runtime="30m",
    params:
        brightest_fraction=lookup("calibration/brightest_fraction", within=config),
        code=code_digest("calibrate_fluxes.py"),
    script:
        "../scripts/calibrate_fluxes.py"
