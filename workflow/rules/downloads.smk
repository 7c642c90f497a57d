"""
Files of public archives.

In: the configured addresses (downloads.FILE.url). Out, in data: each file; beside it
its SHA-256, which holds from the first download on. The rule is for files that are
missing, or asked for by name, which checks them. Any other that is there, brought
earlier or put there by hand, is an input without a rule: nothing that changes
elsewhere, not even the script, brings it anew or takes it away.
"""

import re

WANTED = [
    file
    for file in config["downloads"]
    if not Path("data", file).exists() or f"data/{file}" in sys.argv
]


rule download:
    """Bring every configured file that is missing."""
    input:
        expand("data/{file}", file=config["downloads"]),


rule download_file:
    """Bring a file of a public archive."""
    output:
        update("data/{file}"),
    log:
        "logs/download_file/{file}.log",
    wildcard_constraints:
        file="|".join(re.escape(file) for file in WANTED) or "(?!)",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        source=lambda wildcards: config["downloads"][wildcards.file],
    script:
        "../scripts/download_file.py"
