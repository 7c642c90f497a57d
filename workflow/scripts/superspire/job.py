"""What every script of the workflow does around its work."""

import contextlib
import errno
import os
import sys

from superspire.errors import InputError
from superspire.outputs import whole

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that takes no more."""


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


def tell(sentence, snakemake, terminal):
    """End a job with a sentence in its log and, if that exists, on the terminal."""
    with contextlib.suppress(OSError):
        print(f"Error: {sentence}", file=sys.stderr, flush=True)
    if snakemake.log:
        print(f"Error: {sentence}", file=terminal)
    sys.exit(1)


@contextlib.contextmanager
def job(snakemake, stage=True):
    """Run the body of a script: log captured, outputs whole, errors in one sentence.

    Parameters
    ----------
    snakemake : object
        The object that Snakemake gives to a script; its ``log`` and ``output`` are
        used.
    stage : bool
        Whether outputs are written elsewhere first, see `superspire.outputs.whole`;
        a script that sees to that itself does without.

    Yields
    ------
    file
        The terminal, for progress that the user should see.
    """
    output = getattr(snakemake, "output", [])
    wanted = ", ".join(map(str, output)) or "the outputs"
    staging = whole(output) if stage and output else contextlib.nullcontext()
    with os.fdopen(os.dup(2), "w", buffering=1) as terminal:
        try:
            capture(snakemake.log)
            with staging:
                yield terminal
        except InputError as error:
            tell(error, snakemake, terminal)
        except OSError as error:
            if error.errno not in FULL:
                raise
            found = os.strerror(error.errno).lower()
            tell(
                f"{wanted}: expected room to write, found: {found}", snakemake, terminal
            )


def announce(terminal):
    """Make a function that prints a sentence in the log and on the terminal.

    Parameters
    ----------
    terminal : file or None
        The terminal, if there is one.

    Returns
    -------
    callable
    """

    def say(sentence):
        print(sentence)
        if terminal is not None:
            print(sentence, file=terminal)

    return say


def run(main, snakemake, progress=False, stage=True):
    """Run the function that is the body of a script.

    Parameters
    ----------
    main : callable
        Takes the object that Snakemake gives to a script and, with `progress`, the
        terminal.
    snakemake : object
        That object.
    progress : bool
        Whether the function reports its progress on the terminal.
    stage : bool
        See `job`.
    """
    with job(snakemake, stage) as terminal:
        main(snakemake, *([terminal] if progress else []))
