"""SuperSPIRE: the workflow of Lauritsen et al. (2021), arXiv 2102.06222.

Everything:            snakemake --cores all all
One figure or table:   snakemake --cores 1 results/fig7.pdf
The paper's scale:     snakemake --cores all all --configfile config/paper.yaml
Your own SPIRE maps:   snakemake --cores 2 results/fields/NAME/superresolved.fits
Every rule:            snakemake --list-rules
"""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.25")

# From any other folder the defaults, which are the same, come from the schema.
if Path("config/config.yaml").exists():
    try:
        Path("config/config.yaml").read_text(encoding="utf-8")
    except UnicodeDecodeError:
        sys.exit(
            "Error: config/config.yaml: expected text in UTF-8, found another encoding"
        )

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/downloads.smk"
include: "workflow/rules/sky.smk"
include: "workflow/rules/maps.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/unet.smk"
include: "workflow/rules/measurements.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/poster.smk"
include: "workflow/rules/fields.smk"
include: "workflow/rules/egg.smk"
include: "workflow/rules/deblender.smk"
include: "workflow/rules/methods.smk"
include: "workflow/rules/benchmark.smk"


rule all:
    """Make every figure and table, and super-resolve every configured field."""
    default_target: True
    input:
        figures(),
        tables(),
        "results/comparison.csv",
        "results/clustering_counts.pdf",
        "results/ultra_red.csv",
        "results/training/learning_curves.pdf",
        fields(),
