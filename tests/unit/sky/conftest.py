import os
from pathlib import Path

import pandas as pd
import pytest

from superspire.seeds import stream
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library

ROOT = Path(__file__).parents[3]
DATA = ROOT / "resources" / "validation"


@pytest.fixture(scope="session")
def reference():
    """Read one of the tables made with the original program."""
    return lambda name: pd.read_csv(DATA / f"{name}.csv", comment="#")


@pytest.fixture(scope="session")
def compact():
    return load_library("compact")


@pytest.fixture(scope="session")
def original_path():
    """Directory of the published dust library, where there is one."""
    default = ROOT.parent / "shared" / "reference" / "dust_library_s18"
    path = Path(os.environ.get("SUPERSPIRE_DUST_LIBRARY", default))
    if not path.is_dir():
        pytest.skip(f"no dust library at {path}")
    return path


@pytest.fixture(scope="session")
def original(original_path):
    return load_library(original_path)


@pytest.fixture(scope="session")
def field(compact):
    """One deg² with every galaxy above 1e8 Msun, centred at RA = 10, Dec = 0."""
    rng = stream(5, "catalogue", "field")
    return simulate_catalogue(
        1.0, rng, log_lir_min=None, center=(10.0, 0.0), dust=compact
    )
