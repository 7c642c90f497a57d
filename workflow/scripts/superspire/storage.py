"""Images that are too large for memory, of which some rows at a time are there."""

import os
from math import prod

import numpy as np

STRIP = 2**24
"""Pixels that are handled at a time."""


class Storage:
    """An image on disk whose rows are written and read by slices.

    Unlike a memory map it leaves nothing in memory.

    Parameters
    ----------
    path : str or path-like
        The file.
    shape : (int, int)
        Shape of the image (ny, nx).
    dtype : dtype
        Type of its pixels.
    """

    def __init__(self, path, shape, dtype):
        self.path, self.shape, self.dtype = path, tuple(shape), np.dtype(dtype)
        self.row_bytes = self.shape[1] * self.dtype.itemsize
        with open(path, "wb") as file:
            file.truncate(prod(self.shape) * self.dtype.itemsize)

    def __len__(self):
        """Count the rows."""
        return self.shape[0]

    def bounds(self, rows):
        """First row of a slice, and how many there are."""
        first, last, step = rows.indices(len(self))
        if step != 1:
            raise IndexError(f"expected neighbouring rows, found a step of {step}")
        return first, max(last - first, 0)

    def __getitem__(self, rows):
        """Read the rows of a slice."""
        first, number = self.bounds(rows)
        found = np.fromfile(
            self.path, self.dtype, number * self.shape[1], offset=first * self.row_bytes
        )
        return found.reshape(number, self.shape[1])

    def __setitem__(self, rows, values):
        """Write the rows of a slice."""
        first, number = self.bounds(rows)
        shape = (number, self.shape[1])
        written = np.ascontiguousarray(np.broadcast_to(values, shape), self.dtype)
        with open(self.path, "r+b") as file:
            file.seek(first * self.row_bytes)
            file.write(written)


def stored_in(folder):
    """Give a function that makes images in a folder, by shape and type."""
    return lambda shape, dtype: Storage(
        os.path.join(folder, f"{len(os.listdir(folder))}.raw"), shape, dtype
    )


def strips_of(image):
    """Cut an image into slices of neighbouring rows, of `STRIP` pixels each.

    Parameters
    ----------
    image : array, shape (ny, nx)

    Yields
    ------
    slice
    """
    ny, nx = image.shape
    step = max(1, STRIP // nx)
    for first in range(0, ny, step):
        yield slice(first, min(first + step, ny))
