"""What every script of the workflow does around its work."""

import contextlib
import os
import sys

from superspire.errors import InputError


def capture(log):
    """Send everything that this process prints to its log file.

    The file descriptors are redirected, so that tracebacks, child processes and
    compiled libraries are caught as well. Without a log nothing changes.

    Parameters
    ----------
    log : sequence of str
        ``snakemake.log``.
    """
    if not log:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    with open(log[0], "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)
    sys.stderr.reconfigure(line_buffering=True)


@contextlib.contextmanager
def job(snakemake):
    """Run the body of a script: log captured, input errors told in one sentence.

    Parameters
    ----------
    snakemake : object
        The object that Snakemake gives to a script; its ``log`` is used.

    Yields
    ------
    file
        The terminal, for progress that the user should see.
    """
    with os.fdopen(os.dup(2), "w", buffering=1) as terminal:
        capture(snakemake.log)
        try:
            yield terminal
        except InputError as error:
            print(f"Error: {error}", file=sys.stderr)
            if snakemake.log:
                print(f"Error: {error}", file=terminal)
            sys.exit(1)
