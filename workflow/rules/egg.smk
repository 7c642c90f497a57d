"""
The sky model against EGG and against the real sky.

In: the points of a grid, the catalogues of the simulated skies, published counts, and
statistics of real runs of EGG. Out, in results/validation: the model without scatter
at the points of the grid; every statistic of fields as EGG's beside EGG's
(summary.csv), of galaxies of fixed redshift and mass (draws.csv), how many agree
(agreement.csv and the log of summarise_validation), all of it on one page
(sky_model.pdf); and the differential counts in four bands over published ones.
"""

EGG_TABLES = [
    "background",
    "counts_differential",
    "counts_integral",
    "redshift_summary",
    "lir_threshold",
    "confusion",
    "correlation",
]
GRID_DIFFERENCE = (
    [] if config["validation"]["grid"] else ["results/validation/grid_difference.csv"]
)


rule validation:
    """Hold the sky model against EGG and the real sky."""
    input:
        "results/validation/egg_grid.csv",
        GRID_DIFFERENCE,
        "results/validation/summary.csv",
        "results/validation/agreement.csv",
        "results/validation/sky_model.pdf",
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
        filter_curves=lookup("simulation/filter_curves", within=config),
    script:
        "../scripts/evaluate_grid.py"


rule compare_grid:
    """Compare the model without scatter with EGG at the points of its grid."""
    input:
        ours="results/validation/egg_grid.csv",
        egg=resource("validation/egg_deterministic_grid.csv"),
    output:
        "results/validation/grid_difference.csv",
    log:
        "logs/compare_grid.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("compare_grid.py"),
    script:
        "../scripts/compare_grid.py"


rule validate_sky:
    """Simulate a field as EGG's were, and measure what is known of EGG's."""
    output:
        "results/validation/fields/{number}.csv",
    log:
        "logs/validate_sky/{number}.log",
    wildcard_constraints:
        number=r"\d+",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(2400),
    params:
        seed=lookup("seed", within=config),
        area=lookup("validation/area", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        filter_curves=lookup("simulation/filter_curves", within=config),
        code=code_digest("validate_sky.py"),
    script:
        "../scripts/validate_sky.py"


rule validate_draws:
    """Draw galaxies of fixed redshift, mass and type and compare them with EGG's."""
    input:
        points=resource("validation/egg_stochastic_points.csv"),
    output:
        "results/validation/draws.csv",
    log:
        "logs/validate_draws.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        seed=lookup("seed", within=config),
        draws=lookup("validation/draws", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        filter_curves=lookup("simulation/filter_curves", within=config),
        code=code_digest("validate_draws.py"),
    script:
        "../scripts/validate_draws.py"


rule summarise_validation:
    """Put every statistic of the simulated sky beside EGG's."""
    input:
        fields=expand(
            "results/validation/fields/{number}.csv",
            number=range(config["validation"]["fields"]),
        ),
        draws="results/validation/draws.csv",
        grid=GRID_DIFFERENCE,
        reference=[resource(f"validation/egg_{name}.csv") for name in EGG_TABLES],
    output:
        summary=report(
            "results/validation/summary.csv",
            caption="../report/sky_validation_summary.rst",
            category="Validation",
            labels={"shows": "every quantity beside EGG's"},
        ),
        agreement=report(
            "results/validation/agreement.csv",
            caption="../report/sky_validation_agreement.rst",
            category="Validation",
            labels={"shows": "how many quantities agree with EGG's"},
        ),
    log:
        "logs/summarise_validation.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        area=lookup("validation/area", within=config),
        reference=EGG_TABLES,
        code=code_digest("summarise_validation.py"),
    script:
        "../scripts/summarise_validation.py"


rule plot_validation:
    """Plot the simulated sky against EGG's."""
    input:
        summary="results/validation/summary.csv",
        draws="results/validation/draws.csv",
        grid=GRID_DIFFERENCE,
    output:
        pdf=report(
            "results/validation/sky_model.pdf",
            caption="../report/sky_validation.rst",
            category="Validation",
            labels={"shows": "the simulated sky against EGG's"},
        ),
        png="results/validation/sky_model.png",
    log:
        "logs/plot_validation.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("plot_validation.py"),
    script:
        "../scripts/plot_validation.py"


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
            labels={"shows": "number counts over published ones"},
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
