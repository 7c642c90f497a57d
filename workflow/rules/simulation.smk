"""
The simulated sky (section 2.1).

In: the configuration. Out: for each sky, results/skies/{sky}/catalogue.fits with the
galaxies of the EGG model: positions, properties and fluxes in the four bands.
"""


rule simulate_catalogue:
    """Simulate the galaxies of a field: masses, luminosities, fluxes and positions."""
    output:
        "results/skies/{sky}/catalogue.fits",
    log:
        "logs/simulate_catalogue/{sky}.log",
    benchmark:
        "benchmarks/simulate_catalogue/{sky}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem="6GB",
        runtime="30m",
    params:
        seed=lookup("seed", within=config),
        z_min=lookup("simulation/z_min", within=config),
        z_max=lookup("simulation/z_max", within=config),
        log_mass_min=lookup("simulation/log_mass_min", within=config),
        log_lir_min=lookup("simulation/log_lir_min", within=config),
        clustering=lookup("simulation/clustering", within=config),
        cluster_seeds=lookup("simulation/cluster_seeds", within=config),
        poisson=lookup("simulation/poisson", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        area=sky_area,
        center=sky_center,
        code=code_digest("simulate_catalogue.py"),
    script:
        "../scripts/simulate_catalogue.py"
