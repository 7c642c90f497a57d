"""
The sky model against EGG and against the real sky.

In: the points of a grid, the catalogues of the simulated skies, published counts. Out,
in results/validation: the model without scatter at the points of the grid, and the
differential counts in four bands over published ones.
"""


rule validation:
    """Hold the sky model against EGG and the real sky."""
    input:
        "results/validation/egg_grid.csv",
        "results/validation/counts.pdf",


rule evaluate_grid:
    """Evaluate the sky model without scatter at the points of a grid."""
    input:
        grid=validation_grid,
    output:
        "results/validation/egg_grid.csv",
    log:
        "logs/evaluate_grid.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("evaluate_grid.py"),
        dust_library=lookup("simulation/dust_library", within=config),
    script:
        "../scripts/evaluate_grid.py"


rule plot_counts:
    """Plot the simulated differential counts over published ones."""
    input:
        catalogues=expand("results/skies/{sky}/catalogue.fits", sky=SIMULATED),
        published=resource("counts/number_counts.csv"),
    output:
        pdf=report(
            "results/validation/counts.pdf",
            caption="../report/counts.rst",
            category="Validation",
        ),
        png="results/validation/counts.png",
        csv="results/validation/counts.csv",
    log:
        "logs/plot_counts.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("plot_counts.py"),
        area=lookup("simulation/field_area", within=config),
    script:
        "../scripts/plot_counts.py"
