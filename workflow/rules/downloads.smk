"""
Files of public archives.

In: the configured addresses (downloads.FILE.url). Out, in data: each file; beside it
its SHA-256, which holds from the first download on. Only missing files have a rule.
Any other, brought earlier or put there by hand, is an input without a rule: nothing
that changes elsewhere, not even the script, brings it anew or takes it away. The target
`download` checks the sums of all.
"""

import re

MISSING = [file for file in config["downloads"] if not Path("data", file).exists()]


rule download:
    """Bring every configured file that is missing and check the sums of all."""
    input:
        expand("data/{file}", file=config["downloads"]),
    log:
        "logs/download.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        sources=list(config["downloads"].values()),
    script:
        "../scripts/download_file.py"


rule download_file:
    """Bring a file of a public archive."""
    output:
        "data/{file}",
    log:
        "logs/download_file/{file}.log",
    wildcard_constraints:
        file="|".join(re.escape(file) for file in MISSING) or "(?!)",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        sources=lambda wildcards: [config["downloads"][wildcards.file]],
    script:
        "../scripts/download_file.py"
