"""
What a network has to beat: classical methods on the same independent sky.

In: the maps of the independent sky; of the simulated sky colours and confusion of the
sources and, where no training image is, the sky on which each method's threshold is
chosen; and trained networks, each a method like the others. Out:
results/methods/{method}.ecsv with the sources that a method finds, its timing and the
pairs that it resolves, and results/benchmark/methods.{pdf,png,csv} and
methods_table.{csv,tex}, where all are compared; results/benchmark/prior_methods.csv, where
methods that have a map of 24 µm besides are compared on the skies of
superspire.methods.conditions.

Two further sets of trainings of the paper's network are measured: with each preset of
the loss, for half as many epochs (results/benchmark/presets.csv), and variants of the
training in results/variants/{variant}, which has the folders, the comparison and fig. 2
of the configured network: unit_weights, all terms as the paper writes them with weights
of one; galaxygan, eq. 3 (Schawinski et al. 2017), a conditional discriminator and 100
times the mean absolute difference of the pixels; simulation_only, the simulated set alone
(section 4), which results/benchmark/simulation_only.csv compares with the configured one.
"""

from superspire.methods import TITLES
from superspire.methods.conditions import MAPPED_24
from superspire.unet.presets import PRESETS

NETWORKS = {
    "network": {
        "network": "results/training/network.json",
        "weights": "results/training/network.weights.h5",
        "calibration": "results/calibration/simulated.json",
    },
    "unit_weights": {
        "network": "results/variants/unit_weights/training/network.json",
        "weights": "results/variants/unit_weights/training/network.weights.h5",
        "calibration": "results/variants/unit_weights/calibration/simulated.json",
    },
    "galaxygan": {
        "network": "results/variants/galaxygan/training/network.json",
        "weights": "results/variants/galaxygan/training/network.weights.h5",
        "calibration": "results/variants/galaxygan/calibration/simulated.json",
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
    "unit_weights": "Paper's network, weights of one",
    "galaxygan": "Paper's network, GalaxyGAN's loss",
    "deblender": "Deblender",
}
NOISE = {str(band): config["observed"]["spire_noise"] for band in SPIRE}


PRIOR_NETWORKS = {"deblender_24": "spire_24", "deblender": "spire"}


wildcard_constraints:
    method="|".join(METHODS),
    prior_network="|".join(PRIOR_NETWORKS),


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
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(3400),
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
    conda:
        lambda wildcards: (
            "../../envs/tensorflow.yaml"
            if wildcards.method in NETWORKS
            else "../../envs/analysis.yaml"
        )
    threads: lambda wildcards: 2 if wildcards.method in NETWORKS else 1
    resources:
        mem_mb=memory(5400),
        runtime="1h",
    params:
        as_listed=lambda wildcards: wildcards.method == "deblender",
        skies=SIMULATED,
        realism=realism("spire_beams"),
        threshold=lookup("extraction/threshold", within=config),
        min_flux=lookup("extraction/min_flux", within=config),
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
        mem_mb=memory(5400),
        runtime="1h",
    params:
        realism=realism("spire_beams"),
        threshold=lookup("extraction/threshold", within=config),
        min_flux=lookup("extraction/min_flux", within=config),
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
    conda:
        lambda wildcards: (
            "../../envs/tensorflow.yaml"
            if wildcards.method in NETWORKS
            else "../../envs/analysis.yaml"
        )
    threads: lambda wildcards: 2 if wildcards.method in NETWORKS else 1
    resources:
        mem_mb=memory(5400),
        runtime="1h",
    params:
        realism=realism("spire_beams"),
        noise=NOISE,
        threshold=lookup("extraction/threshold", within=config),
        min_flux=lookup("extraction/min_flux", within=config),
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
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(3400),
    params:
        methods=list(METHODS),
        target_threshold=lookup("extraction/target_threshold", within=config),
        match_radius=lookup("extraction/match_radius", within=config),
        strict_radius=lookup("extraction/strict_radius", within=config),
        code=code_digest("measure_methods.py"),
    script:
        "../scripts/measure_methods.py"


rule measure_cramer_rao:
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
            "results/benchmark/cramer_rao.csv",
            caption="../report/cramer_rao.rst",
            category="Methods",
            labels={"shows": "cramer_rao"},
        ),
    log:
        "logs/measure_cramer_rao.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        realism=realism("spire_beams"),
        code=code_digest("measure_cramer_rao.py"),
    script:
        "../scripts/measure_cramer_rao.py"


rule measure_prior_methods:
    """Measure fits at 24 µm positions: without a prior, with one, with a search."""
    output:
        summary="results/methods/prior/{condition}.csv",
        list_24="results/methods/prior/{condition}_list_24.csv",
    log:
        "logs/measure_prior_methods/{condition}.log",
    wildcard_constraints:
        condition="|".join(MAPPED_24),
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(3400),
    params:
        seed=lookup("seed", within=config),
        area=lookup("independent/area", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        match_radius=lookup("extraction/match_radius", within=config),
        strict_radius=lookup("extraction/strict_radius", within=config),
        code=code_digest("measure_prior_methods.py"),
    script:
        "../scripts/measure_prior_methods.py"


rule measure_prior_network:
    """Measure a deblender, with or without 24 µm, on the same sky."""
    input:
        network=lambda wildcards: deblender(
            "network.json", PRIOR_NETWORKS[wildcards.prior_network]
        ),
        weights=lambda wildcards: deblender(
            "network.weights.h5", PRIOR_NETWORKS[wildcards.prior_network]
        ),
        calibration=lambda wildcards: deblender(
            "calibration.json", PRIOR_NETWORKS[wildcards.prior_network]
        ),
        list_24="results/methods/prior/{condition}_list_24.csv",
    output:
        "results/methods/prior/{condition}_{prior_network}.csv",
    log:
        "logs/measure_prior_network/{condition}_{prior_network}.log",
    wildcard_constraints:
        condition="|".join(MAPPED_24),
    conda:
        "../../envs/tensorflow.yaml"
    threads: 2
    resources:
        mem_mb=memory(7400),
    params:
        method=lambda wildcards: wildcards.prior_network,
        with_24=lambda wildcards: wildcards.prior_network == "deblender_24",
        seed=lookup("seed", within=config),
        area=lookup("independent/area", within=config),
        dust_library=lookup("simulation/dust_library", within=config),
        match_radius=lookup("extraction/match_radius", within=config),
        strict_radius=lookup("extraction/strict_radius", within=config),
        code=code_digest("measure_prior_network.py"),
    script:
        "../scripts/measure_prior_network.py"


rule compare_prior_methods:
    """Combine the measurements of all methods that have a 24 µm map in one table."""
    input:
        expand(
            "results/methods/prior/{condition}{method}.csv",
            condition=MAPPED_24,
            method=["", *(f"_{name}" for name in PRIOR_NETWORKS)],
        ),
    output:
        report(
            "results/benchmark/prior_methods.csv",
            caption="../report/prior_methods.rst",
            category="Methods",
            labels={"shows": "methods with 24 µm"},
        ),
    log:
        "logs/compare_prior_methods.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("join_tables.py"),
    script:
        "../scripts/join_tables.py"


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
    conda:
        "../../envs/analysis.yaml"
    params:
        titles=METHODS,
        code=code_digest("plot_methods.py"),
    script:
        "../scripts/plot_methods.py"


wildcard_constraints:
    preset="|".join(PRESETS),


use rule train_network as train_preset with:
    output:
        network="results/presets/{preset}/network.json",
        weights="results/presets/{preset}/network.weights.h5",
        history="results/presets/{preset}/history.csv",
    log:
        "logs/train_preset/{preset}.log",
    benchmark:
        "benchmarks/train_preset/{preset}.tsv"
    params:
        loss=lambda wildcards: {
            **config["loss"],
            "preset": wildcards.preset,
            "weights": {},
        },
        training={**config["training"], "epochs": -(-config["training"]["epochs"] // 2)},
        tensorboard="results/presets/{preset}/tensorboard",


use rule super_resolve as super_resolve_preset with:
    input:
        network="results/presets/{preset}/network.json",
        weights="results/presets/{preset}/network.weights.h5",
        images="results/interpolated/independent.npy",
        index="results/cutouts/independent/index.csv",
    output:
        images="results/presets/{preset}/independent.npy",
        index="results/presets/{preset}/independent.csv",
    log:
        "logs/super_resolve_preset/{preset}.log",


rule compare_presets:
    """Measure the network of every preset on independent sky."""
    input:
        images=expand("results/presets/{preset}/independent.npy", preset=PRESETS),
        target="results/cutouts/independent/450.npy",
    output:
        "results/benchmark/presets.csv",
    log:
        "logs/compare_presets.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        presets=list(PRESETS),
        limits=validation_options,
        code=code_digest("compare_presets.py"),
    script:
        "../scripts/compare_presets.py"


wildcard_constraints:
    variant="|".join(VARIANTS),


rule train_variant:
    """Train the network as configured, but with another loss or without a set."""
    input:
        simulated="results/interpolated/simulated.npy",
        simulated_target="results/cutouts/simulated/450.npy",
        simulated_index="results/cutouts/simulated/index.csv",
        simulated_sources="results/sources/simulated.npz",
        observed="results/interpolated/observed.npy",
        observed_target="results/cutouts/observed/450.npy",
        observed_sources="results/sources/observed.npz",
        augmentation="results/cutouts/observed/augmentation.csv",
        normalisation="results/cutouts/normalisation.json",
    output:
        network="results/variants/{variant}/training/network.json",
        weights="results/variants/{variant}/training/network.weights.h5",
        history="results/variants/{variant}/training/history.csv",
    log:
        "logs/train_variant/{variant}.log",
    benchmark:
        "benchmarks/train_variant/{variant}.tsv"
    conda:
        "../../envs/tensorflow.yaml"
    threads: 8
    resources:
        mem_mb=training_memory(),
        runtime="24h",
        gpu=1,
    params:
        code=code_digest("train_variant.py"),
        seed=lookup("seed", within=config),
        network=unet_options,
        loss=variant_section("loss"),
        training=variant_section("training"),
        validation=validation_options,
        configuration=training_configuration,
        checkpoint="results/variants/{variant}/training/checkpoint",
        tensorboard="results/variants/{variant}/training/tensorboard",
    script:
        "../scripts/train_variant.py"


use rule super_resolve as super_resolve_variant with:
    input:
        **of_variant(rules.super_resolve.input),
    output:
        **of_variant(rules.super_resolve.output),
    log:
        "logs/super_resolve_variant/{variant}_{dataset}.log",


use rule calibrate_fluxes as calibrate_variant with:
    input:
        **of_variant(rules.calibrate_fluxes.input),
    output:
        "results/variants/{variant}/calibration/{dataset}.json",
    log:
        "logs/calibrate_variant/{variant}_{dataset}.log",


use rule extract_sources as extract_variant with:
    input:
        **of_variant(rules.extract_sources.input)
        | {
            "calibration": branch(
                evaluate("{dataset} in ['independent', 'holdout']"),
                then="results/variants/{variant}/calibration/"
                f"{config['calibration']['dataset']}.json",
                otherwise="results/variants/{variant}/calibration/{dataset}.json",
            )
        },
    output:
        **of_variant(rules.extract_sources.output),
    log:
        "logs/extract_variant/{variant}_{dataset}.log",
    benchmark:
        "benchmarks/extract_variant/{variant}_{dataset}.tsv"


use rule list_injected_sources as list_injected_variant with:
    input:
        **of_variant(rules.list_injected_sources.input),
    output:
        "results/variants/{variant}/catalogues/{dataset}_injected.ecsv",
    log:
        "logs/list_injected_variant/{variant}_{dataset}.log",


INJECTED = {
    "injected": branch(
        sky_catalogues,
        then="results/variants/{variant}/catalogues/{dataset}_injected.ecsv",
    )
}


use rule measure_recovery as measure_variant with:
    input:
        **of_variant(rules.measure_recovery.input) | INJECTED,
    output:
        **of_variant(rules.measure_recovery.output),
    log:
        "logs/measure_variant/{variant}_{dataset}.log",


use rule stack_sources as stack_variant with:
    input:
        **of_variant(rules.stack_sources.input) | INJECTED,
    output:
        **of_variant(rules.stack_sources.output),
    log:
        "logs/stack_variant/{variant}_{dataset}.log",


use rule comparison as compare_variant with:
    input:
        **of_variant(rules.comparison.input),
    output:
        **of_variant(rules.comparison.output),
    log:
        "logs/compare_variant/{variant}.log",


use rule fig2 as fig2_variant with:
    input:
        **of_variant(rules.fig2.input),
    output:
        **of_variant(rules.fig2.output),
    log:
        "logs/fig2_variant/{variant}.log",


rule compare_trainings:
    """Measure what the observed passes of the training buy (section 4)."""
    input:
        both="results/comparison.csv",
        one="results/variants/simulation_only/comparison.csv",
    output:
        report(
            "results/benchmark/simulation_only.csv",
            caption="../report/simulation_only.rst",
            category="Training",
            labels={"shows": "what the observed passes buy"},
        ),
    log:
        "logs/compare_trainings.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        datasets=[name for name in DATASETS if name != "simulated"],
        code=code_digest("compare_trainings.py"),
    script:
        "../scripts/compare_trainings.py"
