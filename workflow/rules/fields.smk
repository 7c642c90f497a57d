"""
Real fields: checks of the maps, super-resolution, catalogue (fields.NAME).

In: the three maps of a field of the configuration, perhaps a 24 µm map or a list of
known sources, the network of network.architecture with its calibration (of those that
come trained, the one for what the field gives), and a simulated sky whose colours, beams and
noise the maps are compared with. Out, in results/fields/NAME: checks.json with the
shifts between the bands, their flux scale and noise; the super-resolved map, a
catalogue as FITS and DS9 regions, a picture, a record of how each map was read; and
the comparison with a published catalogue (fields.NAME.reference); and the fluxes at a
list of positions (fields.NAME.positions).
"""


rule measure_expected_sky:
    """Measure colours, beams and noise that maps should have on simulated sky."""
    input:
        expand("results/skies/simulated_0/{band}.fits", band=PAPER_BANDS),
    output:
        "results/training/expected_sky.json",
    log:
        "logs/measure_expected_sky.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(500, per_input=2.5),
    params:
        code=code_digest("measure_expected_sky.py"),
    script:
        "../scripts/measure_expected_sky.py"


rule check_field:
    """Check the astrometry, flux scale and noise of the maps of a field."""
    input:
        unpack(field_maps),
        unpack(extra_maps),
        unpack(known_positions),
        unpack(varied_network),
        expected_sky=expected_sky,
    output:
        checks="results/fields/{field}/checks.json",
        extended="results/fields/{field}/extended.fits",
    log:
        "logs/check_field/{field}.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(3400, per_input=5.0),
    params:
        code=code_digest("check_field.py"),
        options=field_options,
        reading={},
        field=lambda wildcards: wildcards.field,
    script:
        "../scripts/check_field.py"


if not MOCKED:

    rule check_observed:
        """Check the maps of the observed field, with 450 µm among them."""
        input:
            **{
                f"map_{band}": without_braces(file)
                for band, file in config["observed"]["maps"].items()
            },
            expected_sky="results/training/expected_sky.json",
        output:
            "results/skies/observed/checks.json",
        log:
            "logs/check_observed.log",
        conda:
            "../../envs/analysis.yaml"
        resources:
            mem_mb=memory(7400),
        params:
            code=code_digest("check_field.py"),
            options={},
            reading=config["observed"]["reading"],
            field=None,
        script:
            "../scripts/check_field.py"


rule measure_selection_function:
    """Tell completeness, purity and colour to expect at a flux, from mock sky."""
    input:
        completeness="results/measures/independent_completeness.csv",
        purity="results/measures/independent_purity.csv",
        catalogue="results/skies/independent/catalogue.fits",
    output:
        "results/training/selection_function.csv",
    log:
        "logs/measure_selection_function.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("measure_selection_function.py"),
    script:
        "../scripts/measure_selection_function.py"


if config["network"]["architecture"] == "unet":

    rule super_resolve_field:
        """Super-resolve a field of any size and extract its sources."""
        input:
            unpack(field_maps),
            network="results/training/network.json",
            weights="results/training/network.weights.h5",
            calibration="results/calibration/simulated.json",
            fluxes="results/measures/independent_fluxes.csv",
            selection_function="results/training/selection_function.csv",
            checks="results/fields/{field}/checks.json",
            extended="results/fields/{field}/extended.fits",
        output:
            image="results/fields/{field}/superresolved.fits",
            catalogue="results/fields/{field}/catalogue.fits",
            regions="results/fields/{field}/regions.reg",
            coverage="results/fields/{field}/coverage.moc.fits",
            quicklook="results/fields/{field}/quicklook.png",
            reading="results/fields/{field}/reading.json",
        log:
            "logs/super_resolve_field/{field}.log",
        benchmark:
            "benchmarks/super_resolve_field/{field}.tsv"
        conda:
            "../../envs/tensorflow.yaml"
        threads: 2
        resources:
            mem_mb=memory(7400),
            runtime="2h",
        params:
            code=code_digest("super_resolve_field.py"),
            options=field_options,
            threshold=lookup("extraction/threshold", within=config),
            min_flux=lookup("extraction/min_flux", within=config),
            seed=lookup("seed", within=config),
        script:
            "../scripts/super_resolve_field.py"

else:

    rule deblend_field:
        """Super-resolve a field of any size and list its sources."""
        input:
            unpack(field_maps),
            unpack(extra_maps),
            network=field_network("network.json"),
            weights=field_network("network.weights.h5"),
            calibration=field_network("calibration.json"),
            selection_function=field_network("selection_function.csv"),
            checks="results/fields/{field}/checks.json",
            extended="results/fields/{field}/extended.fits",
        output:
            image="results/fields/{field}/superresolved.fits",
            catalogue="results/fields/{field}/catalogue.fits",
            counts="results/fields/{field}/counts.csv",
            regions="results/fields/{field}/regions.reg",
            coverage="results/fields/{field}/coverage.moc.fits",
            quicklook="results/fields/{field}/quicklook.png",
            residuals="results/fields/{field}/residuals.fits",
            reading="results/fields/{field}/reading.json",
        log:
            "logs/deblend_field/{field}.log",
        benchmark:
            "benchmarks/deblend_field/{field}.tsv"
        conda:
            "../../envs/tensorflow.yaml"
        threads: 2
        resources:
            mem_mb=memory(1800, per_input=10.0),
            runtime="2h",
        params:
            code=code_digest("deblend_field.py"),
            options=field_options,
        script:
            "../scripts/deblend_field.py"

    rule plot_field_counts:
        """Plot the corrected number counts of a field over published ones."""
        input:
            counts="results/fields/{field}/counts.csv",
            published=resource("counts/number_counts.csv"),
        output:
            pdf="results/fields/{field}/counts.pdf",
            png="results/fields/{field}/counts.png",
        log:
            "logs/plot_field_counts/{field}.log",
        conda:
            "../../envs/analysis.yaml"
        params:
            code=code_digest("plot_field_counts.py"),
        script:
            "../scripts/plot_field_counts.py"


rule compare_field:
    """Compare a super-resolved field with its published 450 µm catalogue."""
    input:
        image="results/fields/{field}/superresolved.fits",
        catalogue="results/fields/{field}/catalogue.fits",
        reference=field_reference,
    output:
        measures="results/fields/{field}/reference.csv",
        ratios="results/fields/{field}/reference_fluxes.csv",
        pdf=report(
            "results/fields/{field}/reference.pdf",
            caption="../report/reference.rst",
            category="Fields",
            labels={"field": "{field}", "shows": "published catalogue"},
        ),
        png="results/fields/{field}/reference.png",
    log:
        "logs/compare_field/{field}.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(3400),
    params:
        code=code_digest("compare_field.py"),
        reference=lambda wildcards: config["fields"][wildcards.field]["reference"],
        radius=lookup("extraction/match_radius", within=config),
        strict_radius=lookup("extraction/strict_radius", within=config),
    script:
        "../scripts/compare_field.py"


rule force_field:
    """Measure the fluxes of a field at the positions of a list."""
    input:
        unpack(field_maps),
        positions=field_positions,
        catalogue="results/fields/{field}/catalogue.fits",
        checks="results/fields/{field}/checks.json",
    output:
        "results/fields/{field}/forced.fits",
    log:
        "logs/force_field/{field}.log",
    benchmark:
        "benchmarks/force_field/{field}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(1800, per_input=10.0),
    params:
        code=code_digest("force_field.py"),
        options=field_section,
    script:
        "../scripts/force_field.py"


rule compare_looks:
    """Compare two observations of the same sky: repeated sources and their errors."""
    input:
        images=[
            "results/fields/{field}/superresolved.fits",
            "results/fields/{other}/superresolved.fits",
        ],
        catalogues=[
            "results/fields/{field}/catalogue.fits",
            "results/fields/{other}/catalogue.fits",
        ],
        masks=[
            "results/fields/{field}/extended.fits",
            "results/fields/{other}/extended.fits",
        ],
    output:
        fractions="results/fields/{field}/repeated/{other}/fractions.csv",
        pairs="results/fields/{field}/repeated/{other}/pairs.csv",
        summary="results/fields/{field}/repeated/{other}/summary.json",
        pdf=report(
            "results/fields/{field}/repeated/{other}/repeatability.pdf",
            caption="../report/repeatability.rst",
            category="Fields",
            labels={"field": "{field}", "shows": "repeated in {other}"},
        ),
        png="results/fields/{field}/repeated/{other}/repeatability.png",
    log:
        "logs/compare_looks/{field}_{other}.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(2400),
    params:
        code=code_digest("compare_looks.py"),
    script:
        "../scripts/compare_looks.py"
