"""What went wrong in a run, in a few lines at its end."""

import re
from pathlib import Path

GUIDE = "docs/troubleshooting.md"
FAILED = re.compile(r"Error in rule (\w+)[^:]*:\n((?: +.*\n)*)")
LOG = re.compile(r"^ +log: (.*?)(?: \(check log file.*)?$", re.MULTILINE)
UNKNOWN = "it said nothing; a job that is killed was most often out of memory"


def reason(file):
    """Find in the log of a job why it ended.

    Parameters
    ----------
    file : path-like
        The log.

    Returns
    -------
    str
        Its last line that names an error, without ``Error:``.
    """
    path = Path(file)
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    named = re.findall(
        r"^(?:Error: .*|[\w.]*(?:Error|Exception)\b.*)$", text, re.MULTILINE
    )
    return named[-1].removeprefix("Error: ") if named else UNKNOWN


def failed_jobs(text):
    """Find the jobs that failed in the log of a run.

    Parameters
    ----------
    text : str
        The log of Snakemake.

    Returns
    -------
    dict of str to str
        The log of each, or nothing, with the name of its rule.
    """
    jobs = {}
    for name, body in FAILED.findall(text):
        log = LOG.search(body)
        jobs[log[1].split(", ")[0] if log else name] = name
    return jobs


def summary(logs):
    """Say what went wrong in a run, where its logs are, and what to do.

    Parameters
    ----------
    logs : sequence of path-like
        The logs of Snakemake.

    Returns
    -------
    str
        Two lines for each job that failed, and what to do; empty if none did.
    """
    texts = [Path(log).read_text(encoding="utf-8", errors="replace") for log in logs]
    jobs = failed_jobs("\n".join(texts))
    if not jobs:
        return ""
    lines = ["", "What went wrong:"]
    for file, name in jobs.items():
        lines += [f"  {name}: {reason(file)}", f"    log: {file}"]
    again = "What is finished stays: call the same command again once it is put right."
    return "\n".join([*lines, f"{again} More in {GUIDE}."])
