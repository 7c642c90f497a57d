"""
The conference poster's eleven figures: `snakemake poster`.

In: the maps, stacks and measurements of the figures. Out: results/poster/*.pdf and
*.png, one figure each; figures 1 and 3 are the schematic and the results panel.
"""

POSTER_DATASET = "independent"
POSTER_MAPS = ["bands", "target", "sources"]
POSTER_MEASURES = [
    "offsets",
    "fluxes",
    "psf_sr",
    "psf_target",
    "completeness",
    "purity",
]


rule poster:
    """Make the eleven figures of the conference poster."""
    input:
        expand(
            "results/{figure}.{kind}",
            figure=[
                "fig1",
                "fig3",
                *(f"poster/{name}" for name in (*POSTER_MAPS, *POSTER_MEASURES)),
            ],
            kind=["pdf", "png"],
        ),


rule poster_maps:
    """Draw the observed maps, and the 450 µm sources on the 500 µm map."""
    input:
        **{f"map_{band}": f"results/skies/observed/{band}.fits" for band in PAPER_BANDS},
    output:
        bands=report(
            "results/poster/bands.pdf",
            caption="../report/poster_bands.rst",
            category="Poster",
            labels={"shows": "SPIRE maps"},
        ),
        target=report(
            "results/poster/target.pdf",
            caption="../report/poster_target.rst",
            category="Poster",
            labels={"shows": "450 µm map"},
        ),
        sources=report(
            "results/poster/sources.pdf",
            caption="../report/poster_sources.rst",
            category="Poster",
            labels={"shows": "450 µm sources at 500 µm"},
        ),
        bands_png="results/poster/bands.png",
        target_png="results/poster/target.png",
        sources_png="results/poster/sources.png",
    log:
        "logs/poster_maps.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(1400, per_input=2.0),
    params:
        threshold=lookup("extraction/target_threshold", within=config),
        mocked=MOCKED,
        code=code_digest("poster_maps.py"),
    script:
        "../scripts/poster_maps.py"


rule poster_measures:
    """Draw offsets, fluxes, stacks, completeness and purity, one figure each."""
    input:
        offsets=f"results/measures/{POSTER_DATASET}_offsets.csv",
        fluxes=f"results/measures/{POSTER_DATASET}_fluxes.csv",
        stacks=f"results/stacks/{POSTER_DATASET}.npz",
        widths=f"results/stacks/{POSTER_DATASET}.json",
        completeness=expand(
            "results/measures/{dataset}_completeness.csv", dataset=DATASETS
        ),
        purity=expand("results/measures/{dataset}_purity.csv", dataset=DATASETS),
    output:
        **{
            name: report(
                f"results/poster/{name}.pdf",
                caption=f"../report/poster_{name}.rst",
                category="Poster",
                labels={"shows": name.replace("psf_", "stack: ")},
            )
            for name in POSTER_MEASURES
        },
        **{f"{name}_png": f"results/poster/{name}.png" for name in POSTER_MEASURES},
    log:
        "logs/poster_measures.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        dataset=POSTER_DATASET,
        datasets=DATASETS,
        mocked=MOCKED,
        code=code_digest("poster_measures.py"),
    script:
        "../scripts/poster_measures.py"
