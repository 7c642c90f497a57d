"""Real fields: the trained network applied to SPIRE observations.

In: the network, the calibration of the simulated set, the fluxes measured against the
truth on independent sky (for the errors) and the three maps of a field of the
configuration (fields.NAME.maps). Out, in results/fields/NAME: the super-resolved
map, a catalogue of its sources as FITS and as DS9 regions, a picture, and a record of
how each map was read.
"""


rule super_resolve_field:
    """Super-resolve a field of any size and extract its sources."""
    input:
        unpack(field_maps),
        network="results/training/network.json",
        weights="results/training/network.weights.h5",
        calibration="results/calibration/simulated.json",
        fluxes="results/measures/independent_fluxes.csv",
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
        mem="8GB",
        runtime="2h",
    params:
        code=code_digest("super_resolve_field.py"),
        options=lookup("fields/{field}", within=config),
        threshold=lookup("extraction/threshold", within=config),
        minimum_flux=lookup("extraction/minimum_flux", within=config),
        seed=lookup("seed", within=config),
    script:
        "../scripts/super_resolve_field.py"
