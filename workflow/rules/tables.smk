"""
Tables 1 to 3.

In: the instruments, the confusion noise of the maps, the network's description, the
bins of Fig. 4.
Out: results/tableN.csv for machines, results/tableN.tex for the paper; on demand the
tables and the catalogues of fields as .ecsv, .mrt (the machine-readable tables of the
AAS journals and the CDS), .vot (VOTable) and, catalogues only, .tex (AASTeX).
"""


rule table1:
    """Table 1: the instruments, and the confusion noise of our maps."""
    input:
        "results/measures/confusion_noise.csv",
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
    conda:
        "../../envs/analysis.yaml"
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
    conda:
        "../../envs/tensorflow.yaml"
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
    conda:
        "../../envs/analysis.yaml"
    params:
        mocked=MOCKED,
        code=code_digest("table3.py"),
    script:
        "../scripts/table3.py"


rule export_table:
    """Write a table or catalogue as ECSV, machine-readable table (mrt), VOTable, TeX."""
    input:
        "results/{table}.csv",
    output:
        "results/{table}.{kind}",
    log:
        "logs/export_table/{table}_{kind}.log",
    wildcard_constraints:
        table=r"table\d",
        kind="ecsv|mrt|vot",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        code=code_digest("export_table.py"),
    script:
        "../scripts/export_table.py"


use rule export_table as export_catalogue with:
    input:
        "results/fields/{field}/catalogue.fits",
    output:
        "results/fields/{field}/catalogue.{kind}",
    log:
        "logs/export_catalogue/{field}_{kind}.log",
    wildcard_constraints:
        kind="ecsv|mrt|vot|tex",
