"""Write the pages that are made from something else in the repository."""

import argparse
import sys
from pathlib import Path

from superspire.documentation import (
    configuration_reference,
    load_schema,
    replace_block,
)

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
REFERENCE = ROOT / "config/README.md"


def documents():
    """Give the pages and their text as it should be.

    Returns
    -------
    dict of Path to str
    """
    reference = configuration_reference(load_schema(SCHEMA))
    page = REFERENCE.read_text(encoding="utf-8")
    return {REFERENCE: replace_block(page, reference)}


def stale():
    """Find the pages that are not as they should be.

    Returns
    -------
    list of Path
    """
    return [
        file
        for file, text in documents().items()
        if not file.exists() or file.read_text(encoding="utf-8") != text
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    if parser.parse_args().check:
        for file in stale():
            print(f"{file.relative_to(ROOT)}: expected what `make docs` writes")
        sys.exit(bool(stale()))
    for file, text in documents().items():
        file.write_text(text, encoding="utf-8")
        print(file.relative_to(ROOT))
