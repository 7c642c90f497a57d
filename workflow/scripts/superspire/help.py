"""The targets of the workflow, listed from its rules."""

import difflib
import re
from pathlib import Path

FOLDERS = ("fields", "validation", "benchmark", "poster")
"""Folders of the results whose files are asked for by themselves."""


def target(rule):
    """Name what a user asks for to run a rule.

    Parameters
    ----------
    rule : object
        A rule of Snakemake, with ``name``, ``output`` and ``has_wildcards()``.

    Returns
    -------
    str
        Its first file, wildcards in capitals, or, if it writes none, its name.
    """
    if not rule.output:
        return rule.name
    pattern = re.sub(r"\{field[^}]*\}", "NAME", str(rule.output[0]))
    return re.sub(r"\{(\w+)[^}]*\}", lambda match: match[1].upper(), pattern)


def is_product(rule):
    """Whether a rule makes what users ask for, and not only a step on the way.

    Parameters
    ----------
    rule : object
        A rule of Snakemake.

    Returns
    -------
    bool
    """
    parts = Path(target(rule)).parts
    return len(parts) <= 2 or parts[0] == "data" or parts[1] in FOLDERS


def title(file):
    """First sentence of a rule file.

    Parameters
    ----------
    file : path-like
        The file, which opens with a docstring.

    Returns
    -------
    str
    """
    text = Path(file).read_text(encoding="utf-8")
    docstring = re.match(r'"""(.*?)"""', text, re.DOTALL)
    first = docstring[1].strip().splitlines()[0] if docstring else Path(file).stem
    return first.rstrip(".")


def listing(rules):
    """List rules by file, the Snakefile first, each with what it says of itself.

    Parameters
    ----------
    rules : iterable
        Rules of Snakemake.

    Returns
    -------
    str
    """
    files = {}
    for rule in sorted(rules, key=lambda rule: Path(rule.snakefile).suffix != ""):
        files.setdefault(str(rule.snakefile), []).append(rule)
    width = max(len(target(rule)) for rule in rules)
    lines = []
    for file, members in files.items():
        lines += ["", title(file)]
        for rule in members:
            docstring = " ".join((rule.docstring or "").split())
            lines.append(f"  {target(rule):{width}}  {docstring}")
    return "\n".join(lines)


def overview(rules):
    """Say what can be asked for, and how.

    Parameters
    ----------
    rules : iterable
        Every rule of the workflow.

    Returns
    -------
    str
    """
    rules = list(rules)
    products = [rule for rule in rules if is_product(rule)]
    steps = [rule for rule in rules if not is_product(rule)]
    return "\n".join(
        [
            "snakemake --cores 2 TARGET ...   with --configfile FILE -- before the "
            "targets for a configuration of yours",
            "",
            "WHAT TO ASK FOR",
            listing(products),
            "",
            "STEPS ON THE WAY",
            listing(steps),
            "",
            "Of a rule's files the first is named; the others come with it. A rule "
            "without capitals in its target can be called",
            "by name as well: snakemake --cores 2 fig7. Everything in one file: make "
            "report",
        ]
    )


def requested(arguments):
    """Find what is certainly a target among the arguments of a command.

    Parameters
    ----------
    arguments : sequence of str
        The command's arguments, without its name.

    Returns
    -------
    list of str
        All that follows ``--``, and files of the results that follow no option.
    """
    if "--" in arguments:
        return list(arguments[arguments.index("--") + 1 :])
    pairs = zip(["", *arguments], arguments, strict=False)
    return [
        argument
        for before, argument in pairs
        if argument.startswith("results/") and not before.startswith("-")
    ]


def find_unknown(targets, rules):
    """Say which target no rule makes.

    Parameters
    ----------
    targets : iterable of str
        What a user asks for.
    rules : iterable
        Every rule of the workflow.

    Returns
    -------
    str or None
        A sentence, if there is such a target.
    """
    rules = list(rules)
    names = {rule.name for rule in rules}
    for wanted in targets:
        made = wanted in names or any(rule.is_producer(wanted) for rule in rules)
        if made or Path(wanted).exists():
            continue
        known = [*names, *(str(file) for rule in rules for file in rule.output)]
        close = difflib.get_close_matches(wanted, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return (
            f"{wanted}: expected a target, found no rule that makes it{hint} "
            "`snakemake help` lists every target"
        )
    return None
