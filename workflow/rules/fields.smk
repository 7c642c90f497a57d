"""Real fields: the trained network applied to SPIRE observations.

In: the network of network.architecture with its calibration, and the three maps of a
field of the configuration (fields.NAME.maps). Our network comes trained; the paper's is
the one trained here, and its errors come from independent sky. Out, in results/fields/NAME: the super-resolved
map, a catalogue of its sources as FITS and as DS9 regions, a picture, and a record of
how each map was read; with a published catalogue (fields.NAME.reference) the
comparison with it.
"""


rule measure_expectation:
    """Tell completeness, purity and colour to expect at a flux, from mock sky."""
    input:
        completeness="results/measures/independent_completeness.csv",
        purity="results/measures/independent_purity.csv",
        catalogue="results/skies/independent/catalogue.fits",
    output:
        "results/training/expectation.csv",
    log:
        "logs/measure_expectation.log",
    benchmark:
        "benchmarks/measure_expectation.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1400),
        runtime="10m",
    params:
        code=code_digest("measure_expectation.py"),
    script:
        "../scripts/measure_expectation.py"


if config["network"]["architecture"] == "unet":

    rule super_resolve_field:
        """Super-resolve a field of any size and extract its sources."""
        input:
            unpack(field_maps),
            network="results/training/network.json",
            weights="results/training/network.weights.h5",
            calibration="results/calibration/simulated.json",
            fluxes="results/measures/independent_fluxes.csv",
            expectation="results/training/expectation.csv",
            checks="results/fields/{field}/checks.json",
        output:
            image="results/fields/{field}/superresolved.fits",
            catalogue="results/fields/{field}/catalogue.fits",
            regions="results/fields/{field}/regions.reg",
            quicklook="results/fields/{field}/quicklook.png",
            decisions="results/fields/{field}/decisions.json",
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
            options=lambda wildcards: config["fields"][wildcards.field],
            threshold=lookup("extraction/threshold", within=config),
            minimum_flux=lookup("extraction/minimum_flux", within=config),
            seed=lookup("seed", within=config),
        script:
            "../scripts/super_resolve_field.py"

else:

    rule deblend_field:
        """Super-resolve a field of any size and list its sources."""
        input:
            unpack(field_maps),
            network=deblender("network.json"),
            weights=deblender("network.weights.h5"),
            calibration=deblender("calibration.json"),
            expectation=deblender("expectation.csv"),
            checks="results/fields/{field}/checks.json",
        output:
            image="results/fields/{field}/superresolved.fits",
            catalogue="results/fields/{field}/catalogue.fits",
            counts="results/fields/{field}/counts.csv",
            regions="results/fields/{field}/regions.reg",
            quicklook="results/fields/{field}/quicklook.png",
            decisions="results/fields/{field}/decisions.json",
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
            options=lambda wildcards: config["fields"][wildcards.field],
        script:
            "../scripts/deblend_field.py"


rule compare_field:
    """Compare a super-resolved field with its published 450 µm catalogue."""
    input:
        image="results/fields/{field}/superresolved.fits",
        catalogue="results/fields/{field}/catalogue.fits",
        reference=lambda wildcards: config["fields"][wildcards.field]["reference"][
            "file"
        ],
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
    benchmark:
        "benchmarks/compare_field/{field}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(3400),
        runtime="15m",
    params:
        code=code_digest("compare_field.py"),
        reference=lambda wildcards: config["fields"][wildcards.field]["reference"],
        radius=lookup("extraction/match_radius", within=config),
        strict_radius=lookup("extraction/strict_radius", within=config),
    script:
        "../scripts/compare_field.py"
