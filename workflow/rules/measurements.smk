"""
Catalogues and measurements (section 4).

In: super-resolved and 450 µm cutouts, the flux calibration, the injected galaxies.
Out: results/catalogues/{dataset}_{sr,target,injected}.ecsv; for each set of cutouts
results/measures/{dataset}_{completeness,purity,confusion,offsets,fluxes}.csv in the
paper's and the strict protocol and _background.csv; results/stacks/{dataset}.{npz,json,csv};
results/measures/confusion_noise.csv of the maps; and results/comparison.csv; of
independent sky also counts and clustering (results/clustering_counts.*) and how
ultra-red sources are found (results/ultra_red.csv), of which section 5 speaks.

The simulated and the observed set are calibrated by themselves, as in the paper;
independent sky and the hold-out of a real field by the set that the configuration names.
"""

MEASURES = [
    "completeness",
    "purity",
    "confusion",
    "offsets",
    "fluxes",
    "background",
]


rule extract_sources:
    """Extract and measure the sources of super-resolved and 450 µm cutouts."""
    input:
        superresolved="results/superresolved/{dataset}.npy",
        evaluated="results/superresolved/{dataset}.csv",
        index="results/cutouts/{dataset}/index.csv",
        target="results/cutouts/{dataset}/450.npy",
        calibration=branch(
            evaluate("{dataset} in ['independent', 'holdout']"),
            then=f"results/calibration/{config['calibration']['dataset']}.json",
            otherwise="results/calibration/{dataset}.json",
        ),
        maps=expand("results/skies/{sky}/450.fits", sky=skies),
    output:
        sr="results/catalogues/{dataset}_sr.ecsv",
        target="results/catalogues/{dataset}_target.ecsv",
        background="results/measures/{dataset}_background.csv",
    log:
        "logs/extract_sources/{dataset}.log",
    benchmark:
        "benchmarks/extract_sources/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(600, per_input=0.3),
        runtime="1h",
    params:
        threshold=lookup("extraction/threshold", within=config),
        min_flux=lookup("extraction/min_flux", within=config),
        target_threshold=lookup("extraction/target_threshold", within=config),
        code=code_digest("extract_sources.py"),
    script:
        "../scripts/extract_sources.py"


rule list_injected_sources:
    """List the simulated galaxies that lie in the evaluated cutouts."""
    input:
        evaluated="results/superresolved/{dataset}.csv",
        catalogues=sky_catalogues,
        maps=expand("results/skies/{sky}/450.fits", sky=skies),
    output:
        "results/catalogues/{dataset}_injected.ecsv",
    log:
        "logs/list_injected_sources/{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(600, per_input=0.8),
    params:
        code=code_digest("list_injected_sources.py"),
    script:
        "../scripts/list_injected_sources.py"


rule measure_recovery:
    """Measure completeness, purity, offsets and fluxes in both protocols."""
    input:
        evaluated="results/superresolved/{dataset}.csv",
        background="results/measures/{dataset}_background.csv",
        sr="results/catalogues/{dataset}_sr.ecsv",
        target="results/catalogues/{dataset}_target.ecsv",
        injected=branch(
            sky_catalogues, then="results/catalogues/{dataset}_injected.ecsv"
        ),
    output:
        completeness="results/measures/{dataset}_completeness.csv",
        purity="results/measures/{dataset}_purity.csv",
        confusion="results/measures/{dataset}_confusion.csv",
        offsets="results/measures/{dataset}_offsets.csv",
        fluxes="results/measures/{dataset}_fluxes.csv",
    log:
        "logs/measure_recovery/{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        match_radius=lookup("extraction/match_radius", within=config),
        strict_radius=lookup("extraction/strict_radius", within=config),
        code=code_digest("measure_recovery.py"),
    script:
        "../scripts/measure_recovery.py"


rule stack_sources:
    """Stack 450 µm and super-resolved cutouts at their bright sources."""
    input:
        superresolved="results/superresolved/{dataset}.npy",
        evaluated="results/superresolved/{dataset}.csv",
        index="results/cutouts/{dataset}/index.csv",
        target_maps="results/cutouts/{dataset}/450.npy",
        sr="results/catalogues/{dataset}_sr.ecsv",
        target="results/catalogues/{dataset}_target.ecsv",
        injected=branch(
            sky_catalogues, then="results/catalogues/{dataset}_injected.ecsv"
        ),
    output:
        images="results/stacks/{dataset}.npz",
        widths="results/stacks/{dataset}.json",
        profiles="results/stacks/{dataset}.csv",
    log:
        "logs/stack_sources/{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(800, per_input=0.5),
    params:
        code=code_digest("stack_sources.py"),
    script:
        "../scripts/stack_sources.py"


rule clustering_counts:
    """Measure counts and clustering of super-resolved and true sources (section 5)."""
    input:
        evaluated="results/superresolved/independent.csv",
        sr="results/catalogues/independent_sr.ecsv",
        target="results/catalogues/independent_target.ecsv",
        injected="results/catalogues/independent_injected.ecsv",
    output:
        pdf=report(
            "results/clustering_counts.pdf",
            caption="../report/clustering_counts.rst",
            category="Figures",
            labels={"figure": "section 5", "shows": "counts and clustering"},
        ),
        png="results/clustering_counts.png",
        csv="results/clustering_counts.csv",
    log:
        "logs/clustering_counts.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("clustering_counts.py"),
    script:
        "../scripts/clustering_counts.py"


rule measure_ultra_red:
    """Measure how complete and pure ultra-red sources are found (section 5)."""
    input:
        **{f"map_{band}": f"results/skies/independent/{band}.fits" for band in SPIRE},
        beams=list(real_beams().values()),
        evaluated="results/superresolved/independent.csv",
        sr="results/catalogues/independent_sr.ecsv",
        catalogue="results/skies/independent/catalogue.fits",
        target_map="results/skies/independent/450.fits",
    output:
        report(
            "results/ultra_red.csv",
            caption="../report/ultra_red.rst",
            category="Tables",
            labels={"table": "section 5", "shows": "ultra-red sources"},
        ),
    log:
        "logs/measure_ultra_red.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(500, per_input=3.0),
    params:
        realism=realism("spire_beams"),
        min_flux=lookup("extraction/min_flux", within=config),
        strict_radius=lookup("extraction/strict_radius", within=config),
        code=code_digest("measure_ultra_red.py"),
    script:
        "../scripts/measure_ultra_red.py"


rule measure_confusion:
    """Measure the confusion noise of the simulated maps."""
    input:
        expand("results/skies/{sky}/{band}.fits", sky=SIMULATED[0], band=PAPER_BANDS),
    output:
        "results/measures/confusion_noise.csv",
    log:
        "logs/measure_confusion.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(600, per_input=1.5),
    params:
        bands=PAPER_BANDS,
        code=code_digest("measure_confusion.py"),
    script:
        "../scripts/measure_confusion.py"


rule comparison:
    """Put every claim of the paper beside what we measure."""
    input:
        **{
            measure: expand(
                f"results/measures/{{dataset}}_{measure}.csv", dataset=DATASETS
            )
            for measure in MEASURES
        },
        widths=expand("results/stacks/{dataset}.json", dataset=DATASETS),
    output:
        csv=report(
            "results/comparison.csv",
            caption="../report/comparison.rst",
            category="Comparison with the paper",
            labels={"shows": "every number"},
        ),
        summary=report(
            "results/comparison_summary.csv",
            caption="../report/comparison.rst",
            category="Comparison with the paper",
            labels={"shows": "summary"},
        ),
    log:
        "logs/comparison.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        datasets=DATASETS,
        measures=MEASURES,
        mocked=MOCKED,
        seed=lookup("seed", within=config),
        code=code_digest("comparison.py"),
    script:
        "../scripts/comparison.py"
