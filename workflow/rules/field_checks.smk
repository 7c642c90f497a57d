"""Checks of real fields before they are used.

In: the maps of a field of the configuration (fields.NAME.maps) or those of the
observed field, and a simulated sky with its noise, whose colours, beams and noise real
maps are compared with. Out: checks.json with the shifts between the bands, their flux
scale, their noise, what they can be corrected for, and a warning in one sentence about
everything beyond the tolerance.
"""


rule measure_colours:
    """Measure colours, beams and noise that maps should have on simulated sky."""
    input:
        expand("results/skies/simulated_0/{band}.fits", band=BANDS),
    output:
        "results/training/colours.json",
    log:
        "logs/measure_colours.log",
    benchmark:
        "benchmarks/measure_colours.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(500, per_input=2.5),
        runtime="15m",
    params:
        code=code_digest("measure_colours.py"),
    script:
        "../scripts/measure_colours.py"


rule check_field:
    """Check the astrometry, flux scale and noise of the maps of a field."""
    input:
        unpack(field_maps),
        **varied_network(),
        colours=field_colours(),
    output:
        "results/fields/{field}/checks.json",
    log:
        "logs/check_field/{field}.log",
    benchmark:
        "benchmarks/check_field/{field}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(3400),
        runtime="15m",
    params:
        code=code_digest("check_field.py"),
        options=lambda wildcards: config["fields"][wildcards.field],
        reading={},
        field=lambda wildcards: wildcards.field,
    script:
        "../scripts/check_field.py"


if not MOCKED:

    rule check_observed:
        """Check the maps of the observed field, with 450 µm among them."""
        input:
            **{f"map_{band}": file for band, file in config["observed"]["maps"].items()},
            colours="results/training/colours.json",
        output:
            "results/skies/observed/checks.json",
        log:
            "logs/check_observed.log",
        benchmark:
            "benchmarks/check_observed.tsv"
        conda:
            "../../envs/analysis.yaml"
        resources:
            mem_mb=memory(7400),
            runtime="15m",
        params:
            code=code_digest("check_field.py"),
            options={},
            reading=config["observed"]["reading"],
            field=None,
        script:
            "../scripts/check_field.py"
