"""
What a network has to beat: classical methods on the same independent sky.

In: the maps of the independent sky; of the simulated sky colours and confusion of the
sources and, where no training image is, the sky on which each method's threshold is
chosen; and trained networks, each a method like the others. Out:
results/methods/{method}.ecsv with the sources that a method finds, its timing and the
pairs that it resolves, and results/benchmark/methods.{pdf,png,csv} and
methods_table.{csv,tex}, where all are compared.
"""

from superspire.methods import TITLES

NETWORKS = {
    "network": {
        "network": "results/training/network.json",
        "weights": "results/training/network.weights.h5",
        "calibration": "results/calibration/simulated.json",
    },
    "literal": {
        "network": "results/variants/literal/network.json",
        "weights": "results/variants/literal/network.weights.h5",
        "calibration": "results/variants/literal/calibration.json",
    },
    "galaxygan": {
        "network": "results/variants/galaxygan/network.json",
        "weights": "results/variants/galaxygan/network.weights.h5",
        "calibration": "results/variants/galaxygan/calibration.json",
    },
    "deblender": {
        "network": deblender("network.json"),
        "weights": deblender("network.weights.h5"),
        "levels": deblender("calibration.json"),
    },
}
METHODS = {
    **TITLES,
    "network": "Paper's network",
    "literal": "Paper's network, weights of one",
    "galaxygan": "Paper's network, GalaxyGAN's loss",
    "deblender": "Deblender",
}
NOISE = {str(band): config["observed"]["spire_noise"] for band in SPIRE}


wildcard_constraints:
    method="|".join(METHODS),


rule prepare_methods:
    """Measure colours and confusion of simulated sources, and cut out tuning sky."""
    input:
        catalogues=expand("results/skies/{sky}/catalogue.fits", sky=SIMULATED),
        maps=expand("results/skies/{sky}/{band}.fits", sky=SIMULATED, band=SPIRE),
        targets=expand("results/skies/{sky}/450.fits", sky=SIMULATED),
        index="results/cutouts/simulated/index.csv",
    output:
        statistics="results/methods/statistics.json",
        map_250="results/methods/tuning/250.fits",
        map_350="results/methods/tuning/350.fits",
        map_500="results/methods/tuning/500.fits",
        truth="results/methods/tuning/truth.fits",
    log:
        "logs/prepare_methods.log",
    benchmark:
        "benchmarks/prepare_methods.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem="4GB",
        runtime="30m",
    params:
        skies=SIMULATED,
        code=code_digest("prepare_methods.py"),
    script:
        "../scripts/prepare_methods.py"


rule tune_method:
    """Choose a method's threshold on simulated sky, unless its catalogues have one."""
    input:
        unpack(lambda wildcards: NETWORKS.get(wildcards.method, {})),
        beams=list(real_beams().values()),
        statistics="results/methods/statistics.json",
        map_250="results/methods/tuning/250.fits",
        map_350="results/methods/tuning/350.fits",
        map_500="results/methods/tuning/500.fits",
        truth="results/methods/tuning/truth.fits",
        targets=expand("results/skies/{sky}/450.fits", sky=SIMULATED),
    output:
        "results/methods/{method}_threshold.json",
    log:
        "logs/tune_method/{method}.log",
    benchmark:
        "benchmarks/tune_method/{method}.tsv"
    conda:
        lambda wildcards: (
            "../../envs/tensorflow.yaml"
            if wildcards.method in NETWORKS
            else "../../envs/analysis.yaml"
        )
    threads: lambda wildcards: 2 if wildcards.method in NETWORKS else 1
    resources:
        mem="6GB",
        runtime="1h",
    params:
        as_listed=lambda wildcards: wildcards.method == "deblender",
        skies=SIMULATED,
        realism=realism("spire_beams"),
        threshold=lookup("extraction/threshold", within=config),
        minimum_flux=lookup("extraction/minimum_flux", within=config),
        strict_radius=lookup("extraction/strict_radius", within=config),
        code=code_digest("tune_method.py"),
    script:
        "../scripts/tune_method.py"


rule run_method:
    """Find the sources of the independent sky by a method, and time it."""
    input:
        unpack(lambda wildcards: NETWORKS.get(wildcards.method, {})),
        unpack(
            lambda wildcards: (
                {"truth": "results/skies/independent/catalogue.fits"}
                if wildcards.method == "forced_true"
                else {}
            )
        ),
        beams=list(real_beams().values()),
        statistics="results/methods/statistics.json",
        threshold="results/methods/{method}_threshold.json",
        map_250="results/skies/independent/250.fits",
        map_350="results/skies/independent/350.fits",
        map_500="results/skies/independent/500.fits",
    output:
        catalogue="results/methods/{method}.ecsv",
        timing="results/methods/{method}_timing.json",
    log:
        "logs/run_method/{method}.log",
    benchmark:
        "benchmarks/run_method/{method}.tsv"
    conda:
        lambda wildcards: (
            "../../envs/tensorflow.yaml"
            if wildcards.method in NETWORKS
            else "../../envs/analysis.yaml"
        )
    threads: lambda wildcards: 2 if wildcards.method in NETWORKS else 1
    resources:
        mem="6GB",
        runtime="1h",
    params:
        realism=realism("spire_beams"),
        threshold=lookup("extraction/threshold", within=config),
        minimum_flux=lookup("extraction/minimum_flux", within=config),
        seed=lookup("seed", within=config),
        code=code_digest("run_method.py"),
    script:
        "../scripts/run_method.py"


rule resolve_pairs:
    """Measure which separations of equal pairs a method resolves."""
    input:
        unpack(lambda wildcards: NETWORKS.get(wildcards.method, {})),
        beams=list(real_beams().values()),
        statistics="results/methods/statistics.json",
        threshold="results/methods/{method}_threshold.json",
        catalogue=f"results/skies/{SIMULATED[0]}/catalogue.fits",
    output:
        "results/methods/{method}_pairs.csv",
    log:
        "logs/resolve_pairs/{method}.log",
    benchmark:
        "benchmarks/resolve_pairs/{method}.tsv"
    conda:
        lambda wildcards: (
            "../../envs/tensorflow.yaml"
            if wildcards.method in NETWORKS
            else "../../envs/analysis.yaml"
        )
    threads: lambda wildcards: 2 if wildcards.method in NETWORKS else 1
    resources:
        mem="6GB",
        runtime="1h",
    params:
        realism=realism("spire_beams"),
        noise=NOISE,
        threshold=lookup("extraction/threshold", within=config),
        minimum_flux=lookup("extraction/minimum_flux", within=config),
        seed=lookup("seed", within=config),
        code=code_digest("resolve_pairs.py"),
    script:
        "../scripts/resolve_pairs.py"


rule measure_methods:
    """Measure what every method is worth in both protocols."""
    input:
        catalogues=expand("results/methods/{method}.ecsv", method=METHODS),
        timings=expand("results/methods/{method}_timing.json", method=METHODS),
        thresholds=expand("results/methods/{method}_threshold.json", method=METHODS),
        pairs=expand("results/methods/{method}_pairs.csv", method=METHODS),
        target="results/skies/independent/450.fits",
        injected="results/skies/independent/catalogue.fits",
    output:
        summary="results/methods/summary.csv",
        fractions="results/methods/fractions.csv",
        fluxes="results/methods/fluxes.csv",
        counts="results/methods/counts.csv",
        pairs="results/methods/pairs.csv",
    log:
        "logs/measure_methods.log",
    benchmark:
        "benchmarks/measure_methods.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem="4GB",
        runtime="30m",
    params:
        methods=list(METHODS),
        target_threshold=lookup("extraction/target_threshold", within=config),
        match_radius=lookup("extraction/match_radius", within=config),
        strict_radius=lookup("extraction/strict_radius", within=config),
        code=code_digest("measure_methods.py"),
    script:
        "../scripts/measure_methods.py"


rule measure_ceilings:
    """Give the errors that no method can undercut."""
    input:
        beams=list(real_beams().values()),
        statistics="results/methods/statistics.json",
        map_250="results/skies/independent/250.fits",
        map_350="results/skies/independent/350.fits",
        map_500="results/skies/independent/500.fits",
        catalogue="results/skies/independent/catalogue.fits",
    output:
        report(
            "results/benchmark/ceilings.csv",
            caption="../report/ceilings.rst",
            category="Methods",
            labels={"shows": "ceilings"},
        ),
    log:
        "logs/measure_ceilings.log",
    benchmark:
        "benchmarks/measure_ceilings.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="10m",
    params:
        realism=realism("spire_beams"),
        code=code_digest("measure_ceilings.py"),
    script:
        "../scripts/measure_ceilings.py"


rule plot_methods:
    """Draw all methods into one figure and write them into one table."""
    input:
        summary="results/methods/summary.csv",
        fractions="results/methods/fractions.csv",
        fluxes="results/methods/fluxes.csv",
        counts="results/methods/counts.csv",
        pairs="results/methods/pairs.csv",
    output:
        pdf=report(
            "results/benchmark/methods.pdf",
            caption="../report/methods.rst",
            category="Methods",
            labels={"shows": "methods"},
        ),
        png="results/benchmark/methods.png",
        csv="results/benchmark/methods.csv",
        table=report(
            "results/benchmark/methods_table.csv",
            caption="../report/methods.rst",
            category="Methods",
            labels={"shows": "table of methods"},
        ),
        tex="results/benchmark/methods_table.tex",
    log:
        "logs/plot_methods.log",
    benchmark:
        "benchmarks/plot_methods.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem="2GB",
        runtime="10m",
    params:
        titles=METHODS,
        code=code_digest("plot_methods.py"),
    script:
        "../scripts/plot_methods.py"
