"""
Figures 1 to 7.

In: the network's description, maps, measurements and stacks. Out: results/figN.pdf,
results/figN.png and, where numbers are plotted, results/figN.csv.
"""


rule fig1:
    """Fig. 1: schematic of the network."""
    output:
        pdf=report(
            "results/fig1.pdf",
            caption="../report/fig1.rst",
            category="Figures",
            labels={"figure": "1", "shows": "network"},
        ),
        png="results/fig1.png",
        csv="results/fig1.csv",
    log:
        "logs/fig1.log",
    conda:
        "../../envs/tensorflow.yaml"
    params:
        network=unet_options,
        code=code_digest("fig1.py"),
    script:
        "../scripts/fig1.py"


rule fig2:
    """Fig. 2: super-resolved, target and input maps of simulated sky."""
    input:
        superresolved="results/superresolved/simulated.npy",
        evaluated="results/superresolved/simulated.csv",
        index="results/cutouts/simulated/index.csv",
        target="results/cutouts/simulated/450.npy",
        inputs="results/interpolated/simulated.npy",
        sources="results/catalogues/simulated_target.ecsv",
    output:
        pdf=report(
            "results/fig2.pdf",
            caption="../report/fig2.rst",
            category="Figures",
            labels={"figure": "2", "shows": "simulated maps"},
        ),
        png="results/fig2.png",
    log:
        "logs/fig2.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(1200, per_input=0.2),
    params:
        code=code_digest("fig2.py"),
    script:
        "../scripts/fig2.py"


rule fig3:
    """Fig. 3: super-resolved, target and input maps of observed sky."""
    input:
        superresolved=expand(
            "results/superresolved/{dataset}.npy",
            dataset=["observed", "independent"],
        ),
        evaluated=expand(
            "results/superresolved/{dataset}.csv",
            dataset=["observed", "independent"],
        ),
        index=expand(
            "results/cutouts/{dataset}/index.csv",
            dataset=["observed", "independent"],
        ),
        target=expand(
            "results/cutouts/{dataset}/450.npy",
            dataset=["observed", "independent"],
        ),
        inputs=expand(
            "results/interpolated/{dataset}.npy",
            dataset=["observed", "independent"],
        ),
        sources=expand(
            "results/catalogues/{dataset}_target.ecsv",
            dataset=["observed", "independent"],
        ),
    output:
        pdf=report(
            "results/fig3.pdf",
            caption="../report/fig3.rst",
            category="Figures",
            labels={"figure": "3", "shows": "observed maps"},
        ),
        png="results/fig3.png",
    log:
        "logs/fig3.log",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=memory(1200, per_input=0.2),
    params:
        mocked=MOCKED,
        code=code_digest("fig3.py"),
    script:
        "../scripts/fig3.py"


rule fig4:
    """Fig. 4: super-resolved against target flux."""
    input:
        expand("results/measures/{dataset}_fluxes.csv", dataset=DATASETS),
    output:
        pdf=report(
            "results/fig4.pdf",
            caption="../report/fig4.rst",
            category="Figures",
            labels={"figure": "4", "shows": "fluxes"},
        ),
        png="results/fig4.png",
        csv="results/fig4.csv",
    log:
        "logs/fig4.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        datasets=DATASETS,
        mocked=MOCKED,
        code=code_digest("fig4.py"),
    script:
        "../scripts/fig4.py"


rule fig5:
    """Fig. 5: offset against position angle."""
    input:
        expand("results/measures/{dataset}_offsets.csv", dataset=DATASETS),
    output:
        pdf=report(
            "results/fig5.pdf",
            caption="../report/fig5.rst",
            category="Figures",
            labels={"figure": "5", "shows": "offsets"},
        ),
        png="results/fig5.png",
        csv="results/fig5.csv",
    log:
        "logs/fig5.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        datasets=DATASETS,
        mocked=MOCKED,
        code=code_digest("fig5.py"),
    script:
        "../scripts/fig5.py"


rule fig6:
    """Fig. 6: stacked sources and their radial profiles."""
    input:
        images=expand("results/stacks/{dataset}.npz", dataset=DATASETS),
        widths=expand("results/stacks/{dataset}.json", dataset=DATASETS),
        profiles=expand("results/stacks/{dataset}.csv", dataset=DATASETS),
    output:
        pdf=report(
            "results/fig6.pdf",
            caption="../report/fig6.rst",
            category="Figures",
            labels={"figure": "6", "shows": "stacked sources"},
        ),
        png="results/fig6.png",
        csv="results/fig6.csv",
    log:
        "logs/fig6.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        datasets=DATASETS,
        mocked=MOCKED,
        code=code_digest("fig6.py"),
    script:
        "../scripts/fig6.py"


rule fig7:
    """Fig. 7: completeness and purity in both protocols."""
    input:
        completeness=expand(
            "results/measures/{dataset}_completeness.csv", dataset=DATASETS
        ),
        purity=expand("results/measures/{dataset}_purity.csv", dataset=DATASETS),
    output:
        pdf=report(
            "results/fig7.pdf",
            caption="../report/fig7.rst",
            category="Figures",
            labels={"figure": "7", "shows": "completeness and purity"},
        ),
        png="results/fig7.png",
        csv="results/fig7.csv",
    log:
        "logs/fig7.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        datasets=DATASETS,
        mocked=MOCKED,
        code=code_digest("fig7.py"),
    script:
        "../scripts/fig7.py"
