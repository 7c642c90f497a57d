"""Time and memory of a piece of work, measured in a process of its own."""

import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_memory():
    """Maximum resident memory of this process so far [GiB].

    Linux hands the figure of `getrusage` on from parent to child, but not this one.
    """
    if STATUS.exists():
        line = next(x for x in STATUS.read_text().splitlines() if "VmHWM" in x)
        return int(line.split()[1]) / 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**3


def _measured(function, arguments, options):
    """Run a function and look at what the process has used."""
    start, spent = time.perf_counter(), time.process_time()
    result = function(*arguments, **options)
    return {
        "result": result,
        "wall_s": time.perf_counter() - start,
        "cpu_s": time.process_time() - spent,
        "peak_gb": peak_memory(),
    }


def measure(function, *arguments, **options):
    """Run a function in a fresh process.

    Parameters
    ----------
    function : callable
        Function of a module; it, its arguments and its result must pickle.
    *arguments, **options
        What it is called with.

    Returns
    -------
    dict
        ``result``; ``wall_s`` and ``cpu_s`` of all threads [s]; ``peak_gb``, the
        largest resident memory of the process, imports included [GiB].
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(_measured, function, arguments, options).result()
