"""
The simulated sky (section 2.1).

In: the configuration, and perhaps a catalogue. Out: for each sky,
results/skies/{sky}/catalogue.fits with its galaxies: positions, properties and fluxes
in the four bands, from our model of EGG or a second one, from EGG itself or from any
other catalogue. Workflows with one SNAKEMAKE_OUTPUT_CACHE share what our models make.
"""

SHARED = bool(os.environ.get("SNAKEMAKE_OUTPUT_CACHE"))


rule share_catalogue:
    """Simulate the galaxies of a field: masses, luminosities, fluxes and positions."""
    output:
        "results/skies/{sky}/catalogue.fits",
    log:
        "logs/share_catalogue/{sky}.log",
    wildcard_constraints:
        sky=skies_from("model", "2sfm") if SHARED else "none",
    cache: SHARED
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(500, per_area=10),
    params:
        model=sky_model,
        seed=lookup("seed", within=config),
        z_min=lookup("simulation/z_min", within=config),
        z_max=lookup("simulation/z_max", within=config),
        log_mass_min=lookup("simulation/log_mass_min", within=config),
        log_lir_min=lookup("simulation/log_lir_min", within=config),
        clustering=lookup("simulation/clustering", within=config),
        cluster_seeds=lookup("simulation/cluster_seeds", within=config),
        poisson=lookup("simulation/poisson", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        filter_curves=lookup("simulation/filter_curves", within=config),
        realism=realism("emission_lines", "weak_lensing", "strong_lensing"),
        area=sky_area,
        center=sky_center,
        sky=lambda wildcards: wildcards.sky,
        code=code_digest("simulate_catalogue.py"),
    script:
        "../scripts/simulate_catalogue.py"


use rule share_catalogue as simulate_catalogue with:
    log:
        "logs/simulate_catalogue/{sky}.log",
    benchmark:
        "benchmarks/simulate_catalogue/{sky}.tsv"
    wildcard_constraints:
        sky="none" if SHARED else skies_from("model", "2sfm"),
    cache: False


rule run_egg:
    """Run EGG itself, if it is installed, for the galaxies of a field."""
    output:
        "results/skies/{sky}/catalogue.fits",
    log:
        "logs/run_egg/{sky}.log",
    wildcard_constraints:
        sky=skies_from("egg"),
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(400, per_area=700),
        disk_mb=lambda wildcards: int(1000 + 300 * sky_area(wildcards)),
        runtime="2h",
    params:
        code=code_digest("run_egg.py"),
        seed=lookup("seed", within=config),
        z_min=lookup("simulation/z_min", within=config),
        z_max=lookup("simulation/z_max", within=config),
        log_mass_min=lookup("simulation/log_mass_min", within=config),
        log_lir_min=lookup("simulation/log_lir_min", within=config),
        emission_lines=lookup("realism/emission_lines", within=config),
        area=sky_area,
        center=sky_center,
    script:
        "../scripts/run_egg.py"


rule import_catalogue:
    """Take the galaxies of a field from a catalogue of another origin."""
    input:
        catalogue=catalogue_file,
    output:
        "results/skies/{sky}/catalogue.fits",
    log:
        "logs/import_catalogue/{sky}.log",
    wildcard_constraints:
        sky=skies_from("file"),
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(1000, per_input=4),
    params:
        code=code_digest("import_catalogue.py"),
        catalogue=lambda wildcards: sky_source(wildcards.sky),
        area=sky_area,
        log_lir_min=lookup("simulation/log_lir_min", within=config),
    script:
        "../scripts/import_catalogue.py"
