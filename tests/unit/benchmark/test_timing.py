"""What is measured is the work, in a process of its own."""

import os
import time

import numpy as np
import pytest

from superspire.benchmark.timing import measure


def fill(n):
    block = np.ones(n, np.uint8)
    return os.getpid(), int(block.sum())


def test_memory_time_and_result():
    small, large = measure(fill, 1000), measure(fill, 300 * 2**20)
    assert large["result"][1] == 300 * 2**20
    assert os.getpid() not in (small["result"][0], large["result"][0])
    added = large["peak_gb"] - small["peak_gb"]
    assert added == pytest.approx(300 / 1024, abs=0.06)


def test_sleeping_takes_time_but_no_processor():
    used = measure(time.sleep, 0.3)
    assert used["wall_s"] >= 0.3
    assert used["cpu_s"] < 0.2


def test_an_error_is_told():
    with pytest.raises(ValueError, match="negative"):
        measure(np.ones, -1)
