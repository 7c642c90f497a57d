"""Make the compact dust library from the published one, and measure what is lost.

The logarithms of all templates, per unit of infrared luminosity and restricted to the
wavelengths at rest that the bands reach, are written as sums of a few components
(singular value decomposition), those of the mid-infrared (the suffix _MID) apart from
those of the far infrared. Dust and PAH templates of one index share their weights.

Usage: python resources/dust/make_compact.py DIRECTORY [OUTPUT]

DIRECTORY holds s17_dust.fits and s17_pah.fits of https://github.com/cschreib/s16-irlib
"""

import sys
from pathlib import Path

import numpy as np
from astropy.io import fits

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "workflow" / "scripts"))

from superspire.instruments import BANDS  # noqa: E402
from superspire.sky import dust, filter_curves  # noqa: E402

COMPONENTS = {"": 12, "_MID": 8}
"""Numbers of components of the far and of the mid-infrared."""

OUTPUT = HERE / "compact_s18.fits"


def compress(sed, lir, components):
    """Decompose the templates in a range of wavelengths.

    Parameters
    ----------
    sed : ndarray, shape (2, k, m)
        nu L_nu of dust and of PAHs [Lsun/Msun].
    lir : ndarray, shape (2, k)
        Luminosities [Lsun/Msun].
    components : int
        Number of components.

    Returns
    -------
    weights : ndarray, shape (k, components)
        Weights of the components in each template.
    basis : ndarray, shape (components, 2 m)
        Components of log10(nu L_nu / L_IR) of dust, then of PAHs.
    """
    log_sed = np.log10(sed / lir[..., None])
    rows = log_sed.transpose(1, 0, 2).reshape(lir.shape[1], -1)
    left, values, right = np.linalg.svd(rows, full_matrices=False)
    return left[:, :components] * values[:components], right[:components]


def write(path, library):
    """Compress a library, and write it with its source and licence in the header."""
    primary = fits.PrimaryHDU()
    for card in (
        "Compact form of the dust templates of Schreiber et al. 2018,",
        "A&A 609, A30 (arXiv:1710.10276), https://github.com/cschreib/s16-irlib",
        "(s17_dust.fits, s17_pah.fits). MIT licence, (c) 2015 Corentin Schreiber:",
        "see the file LICENSE beside this one. Made by make_compact.py:",
        "log10(SED/LIR) = WEIGHTS @ BASIS, dust then PAH along the wavelengths.",
        "TDUST in K, LAMBDA in um at rest, LIR and L8 in Lsun per Msun of dust.",
    ):
        primary.header.add_comment(card)
    columns = [
        fits.Column("TDUST", "D", unit="K", array=library.tdust),
        fits.Column("LIR", "2D", unit="Lsun/Msun", array=library.lir.T),
        fits.Column("L8", "2D", unit="Lsun/Msun", array=library.l8.T),
    ]
    ranges = {"": (library.wavelength, library.sed), "_MID": library.mid}
    parts = []
    for suffix, (wavelength, sed) in ranges.items():
        n = COMPONENTS[suffix]
        weights, basis = compress(sed, library.lir, n)
        columns.append(fits.Column(f"WEIGHTS{suffix}", f"{n}E", array=weights))
        table = [fits.Column("LAMBDA", "D", unit="um", array=wavelength)]
        parts += [
            fits.BinTableHDU.from_columns(table, name=f"WAVELENGTH{suffix}"),
            fits.ImageHDU(basis.astype(np.float32), name=f"BASIS{suffix}"),
        ]
    templates = fits.BinTableHDU.from_columns(columns, name="TEMPLATES")
    fits.HDUList([primary, templates, *parts]).writeto(path, overwrite=True)


def flux_errors(compact, library):
    """Compare the fluxes of two libraries.

    Parameters
    ----------
    compact, library : superspire.sky.dust.DustLibrary
        The library to test and the reference, with the same templates.

    Returns
    -------
    dict of int to ndarray
        Relative differences of each band, over T = 15-60 K, z = 0.1-6 and PAH
        fractions of 0, 0.02, 0.1, 0.5 and 1.
    """
    z = np.expm1(np.linspace(np.log1p(0.1), np.log1p(6.0), 120))
    warm = (library.tdust >= 14.9) & (library.tdust <= 60.5)
    responses = filter_curves.load_responses(bands=tuple(BANDS))
    new, old = (
        dust.band_luminosities(item, z, responses.values())[warm]
        for item in (compact, library)
    )
    errors = {}
    for i, band in enumerate(responses):
        ratios = []
        for f in (0.0, 0.02, 0.1, 0.5, 1.0):
            a, b = ((1 - f) * x[:, :, 0, i] + f * x[:, :, 1, i] for x in (new, old))
            ratios.append(a / b - 1.0)
        errors[band] = np.array(ratios)
    return errors


def main(directory, output=OUTPUT):
    """Compress, write, read back and print the errors."""
    library = dust.read_original(directory)
    write(output, library)
    print(f"{output}: {Path(output).stat().st_size} bytes")
    for band, error in flux_errors(dust.read_compact(output), library).items():
        error = np.abs(error)
        print(f"S{band}: median error {np.median(error):.1e}, worst {error.max():.1e}")


if __name__ == "__main__":
    main(*sys.argv[1:])
