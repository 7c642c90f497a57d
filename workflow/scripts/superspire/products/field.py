"""What both networks make of a field: files of its map, its sources and its sky."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from superspire.checks.inputs import provenance
from superspire.errors import InputError
from superspire.io import write_json
from superspire.products.footprint import Footprint
from superspire.products.writing import (
    write_catalogue,
    write_coverage,
    write_regions,
    write_superresolved,
)


@dataclass(frozen=True)
class SuperResolved:
    """A super-resolved field.

    Attributes
    ----------
    name : str
        Name of the field.
    image : array of float32, shape (ny, nx)
        Calibrated map [mJy/beam]; NaN where not all bands were observed.
    footprint : superspire.products.footprint.Footprint
        Its sky.
    table : astropy.table.Table
        Its sources.
    columns : dict
        UCD and description of the columns.
    noise : dict
        What `superspire.products.writing.write_superresolved` takes of the noise.
    cards : dict
        Further cards of the headers.
    """

    name: str
    image: object
    footprint: Footprint
    table: object
    columns: dict
    noise: dict = field(default_factory=dict)
    cards: dict = field(default_factory=dict)


def check_covered(footprint, name):
    """Refuse a field without sky that all bands cover."""
    if not footprint.covered_area:
        raise InputError(
            f"field {name}: expected sky that all bands cover, found none but at the "
            "borders of the maps"
        )


def pointing_cards(options, checks):
    """Make the header cards of a pointing offset that the maps are corrected for."""
    offset = (checks.get("pointing") or {}).get("offset_arcsec")
    if "pointing" not in options.get("correct", []) or offset is None:
        return {}
    return {
        "PNT_EAST": (offset[0], "[arcsec] offset to the east, corrected"),
        "PNT_NORT": (offset[1], "[arcsec] offset to the north, corrected"),
    }


def write_products(output, result, network, weights, seed, reading):
    """Write the map, catalogue, regions, coverage and record of a field.

    Parameters
    ----------
    output : object
        Files to write: ``image``, ``catalogue``, ``regions``, ``coverage`` and
        ``reading``.
    result : SuperResolved
        The field.
    network, weights : str
        Files of the network.
    seed : int
        Seed of its training.
    reading : dict
        Parts of the record: ``maps``, how each was read, ``options`` of the field,
        ``checks`` of it, and ``details`` of the network.

    Returns
    -------
    dict
        Provenance cards, for further files.
    """
    digest = hashlib.sha256(Path(weights).read_bytes()).hexdigest()[:12]
    wcs, table, checks = result.footprint.wcs, result.table, reading["checks"]
    shared = provenance(result.name, seed, digest, reading["maps"])
    shared |= pointing_cards(reading["options"], checks)
    cards = shared | result.cards
    write_superresolved(
        output.image,
        result.image,
        result.footprint.covered,
        wcs,
        cards,
        **result.noise,
    )
    write_catalogue(output.catalogue, table, result.columns, cards)
    write_regions(output.regions, table)
    write_coverage(output.coverage, result.footprint.moc(), cards)
    write_json(
        output.reading,
        {
            "field": result.name,
            "maps": reading["maps"],
            "corrected_for": reading["options"].get("correct", []),
            "warnings": checks["warnings"],
            "grid": {"shape": result.image.shape, "centre_deg": wcs.wcs.crval},
            "pointing": checks.get("pointing"),
            "covered_deg2": result.footprint.covered_area,
            "clear_deg2": result.footprint.clear_area,
            "network": {"file": network, "digest": digest},
            **reading["details"],
            "sources": len(table),
        },
    )
    print(
        f"{result.name}: {len(table)} sources in {result.footprint.covered_area:.4f} "
        f"deg2, {table['EXTENDED'].sum()} of them on extended emission or artefacts"
    )
    return shared
