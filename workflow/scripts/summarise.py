"""List what a run made."""

import argparse
from pathlib import Path

import pandas as pd


def products(results):
    """List the figures, tables and fields below a results folder.

    Parameters
    ----------
    results : path-like
        The folder.

    Returns
    -------
    list of str
        One line for each kind of product.
    """
    results = Path(results)
    lines = []
    for title, patterns in (
        ("Figures", ["fig*.pdf"]),
        ("Tables", ["table*.tex"]),
        ("Comparison with the paper", ["comparison.csv"]),
        ("Trained network", ["training/network.json"]),
        ("Fields", ["fields/*/superresolved.fits", "fields/*/catalogue.fits"]),
    ):
        files = sorted(str(f) for pattern in patterns for f in results.glob(pattern))
        if files:
            lines.append(f"{title}: {' '.join(files)}")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of the results")
    folder = parser.parse_args().results
    print("\n".join(["", *products(folder), ""]))
    comparison = pd.read_csv(folder / "comparison_summary.csv")
    for row in comparison.to_dict("records"):
        print(row.pop("quantity"))
        print("\n".join(f"    {name}: {value}" for name, value in row.items()))
