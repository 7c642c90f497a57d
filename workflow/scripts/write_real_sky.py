"""Write the tables and the figure of docs/real_sky.md from the results."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import Table

from superspire.documentation import replace_block
from superspire.io import read_json

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/real_sky.md"
FIELDS = ROOT / "results/fields"
LOOKS = {"2013": "beta_and_2013", "2011": "beta_and_2011"}
PAIRS = {"Beta And": tuple(LOOKS.values()), "mock sky": ("mock_1", "mock_2")}
BEGIN = "<!-- written by `make real-sky` -->"
END = "<!-- end of what `make real-sky` writes -->"
SOURCES = ("Beta And", "galaxy")
"""The rows of config/beta_and_positions.csv."""


def repeated(name, quantity):
    """Fractions of the sources of both looks that are repeated, by bins."""
    first, second = PAIRS[name]
    table = pd.read_csv(FIELDS / first / "repeated" / second / "fractions.csv")
    own = (table["of"] == "both") & (table["quantity"] == quantity)
    return table[own].set_index(["low_edge", "high_edge"])


def repeated_rows(quantity, label):
    """Table of repeated fractions on the real and on the mock sky."""
    tables = [repeated(name, quantity) for name in PAIRS]
    heads = [
        f"{name}: {part}" for name in PAIRS for part in ("of", "repeated", "chance")
    ]
    lines = [f"| {label} | " + " | ".join(heads) + " |", "|---" * 7 + "|"]
    for edges in tables[0].index:
        low, high = (f"{edge:.2g}" for edge in edges)
        cells = ["above " + low if np.isinf(edges[1]) else f"{low}-{high}"]
        for table in tables:
            row = table.loc[edges]
            cells += [
                f"{row['n']:.0f}",
                f"{row['repeated']:.2f} ({row['low']:.2f}-{row['high']:.2f})",
                f"{row['chance']:.2f}",
            ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def summary_rows():
    """Table of offsets and fluxes."""
    found = [
        read_json(FIELDS / first / "repeated" / second / "summary.json")
        for first, second in PAIRS.values()
    ]
    rows = {
        'pairs within 4"': [f"{each['pairs']}" for each in found],
        "second minus first observation [arcsec east, north]": [
            ", ".join(
                f"{value:+.2f} ± {error:.2f}"
                for value, error in zip(
                    each["offset_arcsec"], each["offset_error_arcsec"], strict=True
                )
            )
            for each in found
        ],
        "median separation / joint `POS_ERR` (expected)": [
            f"{each['median_separation_over_error']:.2f} "
            f"({each['expected_median_separation_over_error']:.2f})"
            for each in found
        ],
        "68 % of the flux differences / joint `S450_ERR`": [
            f"{each['flux_difference_over_error_68']:.2f}" for each in found
        ],
        "median flux ratio": [f"{each['median_flux_ratio']:.2f}" for each in found],
    }
    lines = ["| | " + " | ".join(PAIRS) + " |", "|---|---|---|"]
    return lines + [f"| {key} | {' | '.join(cells)} |" for key, cells in rows.items()]


def position_rows():
    """Table of the pointing and of the two sources whose positions are known."""
    known = pd.read_csv(ROOT / "config/beta_and_positions.csv", comment="#")
    known = SkyCoord(known["ra"], known["dec"], unit="deg")
    lines = [
        "| observation | pointing offset [arcsec east, north] | source | S450 [mJy] "
        "| from its PACS position [arcsec east, north] | POS_ERR |",
        "|---" * 6 + "|",
    ]
    for year, field in LOOKS.items():
        pointing = read_json(FIELDS / field / "checks.json")["pointing"]
        offset = ", ".join(
            f"{value:+.1f} ± {error:.1f}"
            for value, error in zip(
                pointing["offset_arcsec"],
                pointing["offset_error_arcsec"],
                strict=True,
            )
        )
        table = Table.read(FIELDS / field / "catalogue.fits")
        sky = SkyCoord(table["RA"], table["DEC"])
        nearest, _, _ = known.match_to_catalog_sky(sky)
        for name, position, row in zip(SOURCES, known, nearest, strict=True):
            east, north = position.spherical_offsets_to(sky[row])
            lines.append(
                f"| {year} | {offset} | {name} | {table['S450'][row]:.0f} ± "
                f"{table['S450_ERR'][row]:.0f} | {east.to_value(units.arcsec):+.1f}, "
                f"{north.to_value(units.arcsec):+.1f} | {table['POS_ERR'][row]:.1f} |"
            )
    return lines


def extended_rows():
    """Table of what lies on extended emission."""
    lines = ["| observation | sources | of them `EXTENDED` | area [deg²] | clear |"]
    lines.append("|---" * 5 + "|")
    for year, field in LOOKS.items():
        reading = read_json(FIELDS / field / "reading.json")
        extended = Table.read(FIELDS / field / "catalogue.fits")["EXTENDED"]
        lines.append(
            f"| {year} | {len(extended)} | {extended.sum()} | "
            f"{reading['covered_deg2']:.4f} | {reading['clear_deg2']:.4f} |"
        )
    return lines


def main():
    parts = [
        repeated_rows("probability", "stated probability"),
        repeated_rows("flux", "S450 [mJy]"),
        summary_rows(),
        position_rows(),
        extended_rows(),
    ]
    block = "\n".join("\n".join(lines) + "\n" for lines in parts)
    PAGE.write_text(replace_block(PAGE.read_text(encoding="utf-8"), block, BEGIN, END))
    figure = "repeated/beta_and_2011/repeatability.png"
    shutil.copy(
        FIELDS / "beta_and_2013" / figure, ROOT / "docs/images/repeatability.png"
    )
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
