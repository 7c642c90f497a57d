"""The order of the tests, their threads, and no limit on their time."""

import os

from hypothesis import settings

# A test for each core runs at once: threads of BLAS would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items):
    """Begin with whole workflows, so that short tests fill both cores at the end."""
    items.sort(key=lambda item: item.path.parent.name != "workflow")
