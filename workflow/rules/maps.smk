"""Maps of every sky in the four bands (sections 2.1 and 2.2).

In: the catalogue of a sky and the configured beams and depths, or the configured files
of a real field. Out: for each sky and band a zero-mean map in Jy/beam with the native
pixels of Table 1.
"""


rule read_beam:
    """Read the configured image of a SPIRE beam."""
    input:
        beam=lambda wildcards: without_braces(
            config["realism"]["spire_beams"][wildcards.band]
        ),
    output:
        "results/beams/{band}.npz",
    log:
        "logs/read_beam/{band}.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("read_beam.py"),
    script:
        "../scripts/read_beam.py"


rule read_depth_map:
    """Read the errors of an observation that is as deep as a simulated map."""
    input:
        observation=lambda wildcards: without_braces(
            config["realism"]["depth"][wildcards.band]
        ),
    output:
        "results/depth/{band}.npz",
    log:
        "logs/read_depth_map/{band}.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(1000, per_input=6),
    params:
        code=code_digest("read_depth_map.py"),
    script:
        "../scripts/read_depth_map.py"


rule make_maps:
    """Observe a simulated sky with SPIRE and SCUBA-2."""
    input:
        catalogue="results/skies/{sky}/catalogue.fits",
        beams=list(real_beams().values()),
        depths=list(real_depths().values()),
    output:
        expand("results/skies/{{sky}}/{band}.fits", band=PAPER_BANDS),
    log:
        "logs/make_maps/{sky}.log",
    benchmark:
        "benchmarks/make_maps/{sky}.tsv"
    wildcard_constraints:
        sky=r"simulated_\d+|independent" + ("|observed" if MOCKED else ""),
    conda:
        "../../envs/analysis.yaml"
    threads: 2
    resources:
        mem_mb=memory(500, per_area=100),
    params:
        code=code_digest("make_maps.py"),
        seed=lookup("seed", within=config),
        noise=sky_noise,
        renderer=lookup("simulation/renderer", within=config),
        realism={
            key: config["realism"][key]
            for key in (
                "spire_beams",
                "scuba2_beam",
                "scuba2_filter",
                "cirrus",
                "cirrus_slope",
                "cirrus_temperature",
                "noise_knee",
                "noise_slope",
                "depth",
            )
        },
        beams=realism("spire_beams", "scuba2_beam", "scuba2_filter"),
        depth=real_depths(),
    script:
        "../scripts/make_maps.py"


rule read_observed_map:
    """Read a configured map of the observed field, whatever its layout."""
    input:
        map=observed_map,
    output:
        "results/skies/observed/{band}.fits",
    log:
        "logs/read_observed_map/{band}.log",
    wildcard_constraints:
        band="none" if MOCKED else "|".join(str(band) for band in PAPER_BANDS),
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(1000, per_input=6),
    params:
        code=code_digest("read_observed_map.py"),
        reading=lambda wildcards: config["observed"]["reading"].get(wildcards.band, {}),
    script:
        "../scripts/read_observed_map.py"


rule import_reference:
    """Take the published sources of the observed field for its true ones."""
    input:
        catalogue=lambda wildcards: without_braces(
            config["observed"]["reference"]["file"]
        ),
    output:
        "results/skies/{sky}/catalogue.fits",
    log:
        "logs/import_reference/{sky}.log",
    wildcard_constraints:
        sky="none" if MOCKED else "observed",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("import_reference.py"),
        reference=lookup("observed/reference", within=config),
    script:
        "../scripts/import_reference.py"
