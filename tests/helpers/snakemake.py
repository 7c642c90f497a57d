"""Start the workflow as a user does, in a folder of its own."""

import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def command(folder, *arguments, config=None, snakefile=ROOT / "Snakefile"):
    """Give the command of a run.

    Parameters
    ----------
    folder : Path
        Where the results go; it is made if it is missing.
    *arguments : str or Path
        Options and targets.
    config : Path or dict, optional
        Configuration; a dict becomes the file mine.yaml of the folder.
    snakefile : Path, optional
        None for the one that Snakemake finds in the folder.

    Returns
    -------
    list of str
    """
    folder.mkdir(exist_ok=True)
    options = ["--directory", folder]
    if snakefile is not None:
        options = ["--snakefile", snakefile, *options]
    if isinstance(config, dict):
        path = folder / "mine.yaml"
        text = yaml.safe_dump(config)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        config = path
    if config is not None:
        options = ["--configfile", config, *options]
    return [sys.executable, "-m", "snakemake", *map(str, (*options, *arguments))]


def run(
    folder, *arguments, config=None, cores=1, snakefile=ROOT / "Snakefile", **options
):
    """Run the workflow to its end.

    Parameters
    ----------
    folder, *arguments, config, snakefile
        See `command`.
    cores : int, optional
        None for those of the profile.
    **options
        Of `subprocess.run`.

    Returns
    -------
    subprocess.CompletedProcess
    """
    if cores is not None:
        arguments = ("--cores", cores, *arguments)
    return subprocess.run(
        command(folder, *arguments, config=config, snakefile=snakefile),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        **options,
    )
