"""Catalogues of others, read in parts as the workflow does and put together."""

from astropy.table import vstack

from superspire.sky.external import read_parts


def read_catalogue(path, area, **options):
    """Read all parts of a catalogue into one table."""
    parts = list(read_parts(path, area, **options))
    table = vstack(parts, metadata_conflicts="silent")
    table.meta = parts[0].meta
    return table
