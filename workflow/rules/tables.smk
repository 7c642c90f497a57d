"""
Tables 1 to 3.

In: the instruments, the network's description, the bins of Fig. 4.
Out: results/tableN.csv for machines, results/tableN.tex for the paper.
"""


rule table1:
    """Table 1: the instruments."""
    output:
        csv=report(
            "results/table1.csv",
            caption="../report/table1.rst",
            category="Tables",
            labels={"table": "1", "shows": "instruments"},
        ),
        tex="results/table1.tex",
    log:
        "logs/table1.log",
    benchmark:
        "benchmarks/table1.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1400),
        runtime="10m",
    params:
        code=code_digest("table1.py"),
    script:
        "../scripts/table1.py"


rule table2:
    """Table 2: the layers of the network, as built."""
    output:
        csv=report(
            "results/table2.csv",
            caption="../report/table2.rst",
            category="Tables",
            labels={"table": "2", "shows": "network"},
        ),
        tex="results/table2.tex",
    log:
        "logs/table2.log",
    benchmark:
        "benchmarks/table2.tsv"
    conda:
        "../../envs/tensorflow.yaml"
    threads: 1
    resources:
        mem_mb=memory(1400),
        runtime="10m",
    params:
        network=unet_options,
        code=code_digest("table2.py"),
    script:
        "../scripts/table2.py"


rule table3:
    """Table 3: pulls of the fluxes of Fig. 4."""
    input:
        "results/fig4.csv",
    output:
        csv=report(
            "results/table3.csv",
            caption="../report/table3.rst",
            category="Tables",
            labels={"table": "3", "shows": "pulls"},
        ),
        tex="results/table3.tex",
    log:
        "logs/table3.log",
    benchmark:
        "benchmarks/table3.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1400),
        runtime="10m",
    params:
        code=code_digest("table3.py"),
    script:
        "../scripts/table3.py"
