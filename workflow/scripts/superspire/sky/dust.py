"""Dust templates (Schreiber et al. 2018) and the fluxes that they give in a band."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from superspire.errors import InputError
from superspire.sky.cosmology import luminosity_distance
from superspire.sky.filter_curves import load_responses

COMPACT = Path(__file__).parents[4] / "resources" / "dust" / "compact_s18.fits"
"""The library that comes with the workflow."""

REST_RANGE = (20.0, 1000.0)
"""Wavelengths at rest that the paper's bands can reach [µm]."""

MID_START = 1.9
"""Shortest wavelength at rest that other bands can reach [µm]."""

FLUX_CONSTANT = 1e32 * 3.839e26 / (2.9979e14 * 4.0 * np.pi * 3.0856e22**2) * 1e-3
"""Solar luminosity at 1 Mpc in mJy, with the constants that EGG uses."""

GRID_STEP = 0.004
"""Step in ln(1 + z) of the tabulated band responses."""


@dataclass(frozen=True)
class DustLibrary:
    """Templates of dust continuum and of PAH emission, per solar mass of dust.

    Attributes
    ----------
    name : str
        Where the templates come from.
    wavelength : ndarray, shape (m,)
        Wavelength at rest [µm].
    tdust : ndarray, shape (k,)
        Temperature of the templates, increasing [K].
    sed : ndarray, shape (2, k, m)
        nu L_nu of dust and of PAHs [Lsun/Msun].
    lir, l8 : ndarray, shape (2, k)
        Luminosities between 8 and 1000 µm and through the IRAC 8 µm band [Lsun/Msun].
    mid : tuple of ndarray or None
        Wavelength, shape (p,), and nu L_nu, shape (2, k, p), in the mid-infrared, which
        ends where `wavelength` begins.
    """

    name: str
    wavelength: np.ndarray
    tdust: np.ndarray
    sed: np.ndarray
    lir: np.ndarray
    l8: np.ndarray
    mid: tuple | None = None

    def reaching(self, shortest):
        """Give the templates down to a wavelength at rest.

        Parameters
        ----------
        shortest : float
            Wavelength [µm].

        Returns
        -------
        wavelength, sed : ndarray
            See the attributes, with the mid-infrared only where it is needed.

        Raises
        ------
        InputError
            If the library does not reach that far.
        """
        if shortest >= self.wavelength[0]:
            return self.wavelength, self.sed
        if self.mid is None or shortest < self.mid[0][0]:
            first = (self.wavelength if self.mid is None else self.mid[0])[0]
            raise InputError(
                f"dust_library: expected templates from {shortest:.3g} µm on, found "
                f"{self.name} from {first:.3g} µm on"
            )
        return (
            np.concatenate([self.mid[0], self.wavelength]),
            np.concatenate([self.mid[1], self.sed], axis=-1),
        )


def _read_original(directory, part):
    """Read one file of the original library."""
    for suffix in ("", ".gz"):
        path = directory / f"s17_{part}.fits{suffix}"
        if path.is_file():
            break
    else:
        raise InputError(
            f"{directory}: expected s17_{part}.fits or s17_{part}.fits.gz of the "
            "Schreiber et al. (2018) library, found neither"
        )
    with fits.open(path) as hdus:
        data = hdus[1].data if len(hdus) > 1 else None
        names = [] if data is None else data.columns.names
        columns = {}
        for name in ("LAM", "SED", "LIR", "L8", "TDUST"):
            if name not in names:
                raise InputError(
                    f"{path}: HDU 1 must hold the column {name}, found {names}"
                )
            columns[name] = np.array(data[name][0], dtype=float)
    return columns


def read_original(directory):
    """Read the library as published.

    Parameters
    ----------
    directory : path-like
        Directory with s17_dust.fits and s17_pah.fits, or both with the suffix .gz.

    Returns
    -------
    DustLibrary
        Restricted to the wavelengths around 1.9 to 1000 µm.
    """
    directory = Path(directory)
    parts = [_read_original(directory, part) for part in ("dust", "pah")]
    wavelength = parts[0]["LAM"][0]
    start = np.searchsorted(wavelength, MID_START) - 1
    first = np.searchsorted(wavelength, REST_RANGE[0]) - 1
    last = np.searchsorted(wavelength, REST_RANGE[1]) + 1
    mid, far = (
        (wavelength[ends], np.stack([part["SED"][:, ends] for part in parts]))
        for ends in (slice(start, first), slice(first, last))
    )
    return DustLibrary(
        "Schreiber et al. 2018",
        far[0],
        parts[0]["TDUST"],
        far[1],
        np.stack([part["LIR"] for part in parts]),
        np.stack([part["L8"] for part in parts]),
        mid,
    )


def read_compact(path):
    """Read the compact library: few components of the logarithm of the templates.

    Parameters
    ----------
    path : path-like
        FITS file that ``resources/dust/make_compact.py`` wrote.

    Returns
    -------
    DustLibrary
    """
    try:
        with fits.open(path) as hdus:
            table = hdus["TEMPLATES"].data
            tdust, lir, l8 = (
                np.array(table[name], dtype=float) for name in ("TDUST", "LIR", "L8")
            )
            far = _expand(hdus, "", lir)
            mid = _expand(hdus, "_MID", lir) if "BASIS_MID" in hdus else None
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path}: expected a compact dust library (HDUs TEMPLATES, BASIS, "
            f"WAVELENGTH), found: {error}"
        ) from error
    name = "Schreiber et al. 2018, compact"
    return DustLibrary(name, far[0], tdust, far[1], lir.T, l8.T, mid)


def _expand(hdus, suffix, lir):
    """Sum the components of a range of wavelengths of a compact library.

    Parameters
    ----------
    hdus : astropy.io.fits.HDUList
        The file.
    suffix : str
        Of the names of the range's components: none in the far infrared.
    lir : ndarray, shape (k, 2)
        Luminosities [Lsun/Msun].

    Returns
    -------
    wavelength : ndarray, shape (m,)
        At rest [µm].
    sed : ndarray, shape (2, k, m)
        nu L_nu [Lsun/Msun].
    """
    wavelength = np.array(hdus[f"WAVELENGTH{suffix}"].data["LAMBDA"], dtype=float)
    weights = np.array(hdus["TEMPLATES"].data[f"WEIGHTS{suffix}"], dtype=float)
    log_sed = weights @ hdus[f"BASIS{suffix}"].data.astype(float)
    shape = (len(lir), 2, len(wavelength))
    sed = 10.0 ** log_sed.reshape(shape).transpose(1, 0, 2)
    return wavelength, sed * lir.T[..., None]


def load_library(source="compact"):
    """Load a dust library.

    Parameters
    ----------
    source : str or path-like
        "compact" for the library that comes with the workflow, a directory with the
        files of the published one, or a compact file.

    Returns
    -------
    DustLibrary

    Raises
    ------
    InputError
        If there is no such library.
    """
    path = COMPACT if str(source) == "compact" else Path(source)
    if path.is_dir():
        return read_original(path)
    if path.is_file():
        return read_compact(path)
    raise InputError(
        f"dust_library: expected 'compact' or a directory with s17_dust.fits and "
        f"s17_pah.fits, found {str(source)!r}, which does not exist"
    )


def band_operator(wavelength, z, response):
    """Weights that average a template over a redshifted band.

    The product of template and response, both linear between their nodes, is
    integrated by the trapezium rule on the union of the nodes.

    Parameters
    ----------
    wavelength : ndarray, shape (m,)
        Wavelength at rest of the templates [µm].
    z : ndarray, shape (n,)
        Redshift.
    response : tuple of ndarray
        Nodes [µm] and response there [1/µm] (`superspire.sky.filter_curves`).

    Returns
    -------
    ndarray, shape (n, m)
        Weights; times lambda nu L_nu at rest gives its mean over the band.
    """
    nodes, value = response
    operator = np.zeros((len(z), len(wavelength)))
    for row, redshift in zip(operator, z, strict=True):
        observed = wavelength * (1.0 + redshift)
        inside = observed[(observed > nodes[0]) & (observed < nodes[-1])]
        x = np.sort(np.concatenate([nodes, inside]))
        step = np.diff(x)
        quadrature = np.zeros(len(x))
        quadrature[:-1] += 0.5 * step
        quadrature[1:] += 0.5 * step
        quadrature *= np.interp(x, nodes, value)
        i = np.searchsorted(observed, x, side="right") - 1
        i = np.clip(i, 0, len(observed) - 2)
        upper = (x - observed[i]) / (observed[i + 1] - observed[i])
        np.add.at(row, i, quadrature * (1.0 - upper))
        np.add.at(row, i + 1, quadrature * upper)
    return operator


def band_luminosities(library, z, responses):
    """Mean of lambda nu L_nu over redshifted bands, for every template.

    Parameters
    ----------
    library : DustLibrary
        Templates.
    z : ndarray, shape (n,)
        Redshift.
    responses : iterable of tuple of ndarray
        Responses of the bands.

    Returns
    -------
    ndarray, shape (k, n, 2, b)
        For dust and for PAHs [µm Lsun/Msun].
    """
    result = []
    for response in responses:
        wavelength, sed = library.reaching(response[0][0] / (1.0 + np.max(z)))
        operator = band_operator(wavelength, z, response)
        result.append((sed * wavelength) @ operator.T)
    return np.stack(result, axis=-1).transpose(1, 2, 0, 3)


def template_index(library, tdust):
    """Nearest template of a temperature, clamped to the coldest and hottest.

    Parameters
    ----------
    library : DustLibrary
        Templates.
    tdust : array_like, shape (n,)
        Dust temperature [K].

    Returns
    -------
    ndarray of int, shape (n,)
        Index of the template.
    """
    position = np.interp(tdust, library.tdust, np.arange(len(library.tdust)))
    return np.rint(position).astype(np.int32)


def pah_fraction(library, index, ir8):
    """Fraction of the dust mass in PAHs that gives a ratio L_IR / L_8.

    Parameters
    ----------
    library : DustLibrary
        Templates.
    index : ndarray of int, shape (n,)
        Template.
    ir8 : array_like, shape (n,)
        L_IR / L_8.

    Returns
    -------
    ndarray, shape (n,)
        Fraction from 0 to 1: exact for a mixture of the two templates.
    """
    dtype = np.asarray(ir8).dtype
    lir, l8 = library.lir.astype(dtype), library.l8.astype(dtype)
    dust = lir[0][index] - l8[0][index] * ir8
    pah = lir[1][index] - l8[1][index] * ir8
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = dust / (dust - pah)
    return np.clip(fraction, 0.0, 1.0)


def dust_mass(library, index, fraction, log_lir):
    """Mass of dust that emits a luminosity.

    Parameters
    ----------
    library : DustLibrary
        Templates.
    index : ndarray of int, shape (n,)
        Template.
    fraction : ndarray, shape (n,)
        Fraction in PAHs.
    log_lir : ndarray, shape (n,)
        Luminosity between 8 and 1000 µm [log10 Lsun].

    Returns
    -------
    ndarray, shape (n,)
        Mass [Msun].
    """
    lir = library.lir.astype(np.asarray(log_lir).dtype)
    dust, pah = lir[0][index], lir[1][index]
    return 10.0**log_lir / (dust + (pah - dust) * fraction)


def dilution(z):
    """Flux of a source per unit of lambda nu L_nu.

    Parameters
    ----------
    z : array_like, shape (n,)
        Redshift.

    Returns
    -------
    ndarray, shape (n,)
        K (1 + z) / D_L² [mJy/(µm Lsun)].
    """
    z = np.asarray(z, dtype=float)
    return FLUX_CONSTANT * (1.0 + z) / luminosity_distance(z) ** 2


def exact_fluxes(library, z, index, fraction, mass, responses=None):
    """Fluxes of galaxies, integrated at their very redshifts.

    Parameters
    ----------
    library : DustLibrary
        Templates.
    z : ndarray, shape (n,)
        Redshift; slow if it takes more than some thousand values.
    index : ndarray of int, shape (n,)
        Template.
    fraction : ndarray, shape (n,)
        Fraction in PAHs.
    mass : ndarray, shape (n,)
        Mass of dust [Msun].
    responses : dict, optional
        Responses of the bands (`superspire.sky.filter_curves.load_responses`), by
        default the standard ones of the paper's.

    Returns
    -------
    ndarray, shape (n, b)
        Flux in each band [mJy].
    """
    grid, which = np.unique(z, return_inverse=True)
    means = []
    for response in (responses or load_responses()).values():
        wavelength, sed = library.reaching(response[0][0] / (1.0 + grid[-1]))
        dust, pah = sed[:, index] * wavelength
        mixed = dust + fraction[:, None] * (pah - dust)
        operator = band_operator(wavelength, grid, response)[which]
        means.append(np.einsum("ij,ij->i", mixed, operator))
    return np.stack(means, axis=1) * (mass * dilution(z))[:, None]


class FluxTable:
    """Band fluxes of a library, tabulated in redshift.

    Parameters
    ----------
    library : DustLibrary
        Templates.
    z_min, z_max : float
        Range of redshift.
    responses : dict, optional
        Responses of the bands (`superspire.sky.filter_curves.load_responses`), by
        default the standard ones of the paper's.
    """

    def __init__(self, library, z_min, z_max, responses=None):
        self.library = library
        self.responses = responses or load_responses()
        self.bands = tuple(self.responses)
        low, high = np.log1p(z_min), np.log1p(z_max)
        self.n_z = max(int(np.ceil((high - low) / GRID_STEP)), 1) + 1
        self.start, self.step = low, (high - low) / (self.n_z - 1)
        grid = np.expm1(np.linspace(low, high, self.n_z))
        table = band_luminosities(library, grid, self.responses.values())
        self.table = table.reshape(-1, 2 * len(self.bands)).astype(np.float32)

    def dust_masses(self, log_lir, tdust, ir8):
        """Masses of dust [Msun], shape (n,), of the galaxies that `fluxes` takes."""
        index = template_index(self.library, tdust)
        fraction = pah_fraction(self.library, index, ir8)
        return dust_mass(self.library, index, fraction, log_lir)

    def fluxes(self, z, log_lir, tdust, ir8):
        """Fluxes of galaxies, interpolated linearly in ln(1 + z).

        Parameters
        ----------
        z, log_lir, tdust, ir8 : ndarray, shape (n,)
            Redshift, luminosity [log10 Lsun], dust temperature [K] and L_IR / L_8.

        Returns
        -------
        ndarray of float32, shape (n, b)
            Flux in each band [mJy].
        """
        index = template_index(self.library, tdust)
        fraction = pah_fraction(self.library, index, ir8)
        mass = dust_mass(self.library, index, fraction, log_lir)
        position = (np.log1p(z, dtype=float) - self.start) / self.step
        cell = np.clip(position.astype(np.int32), 0, self.n_z - 2)
        upper = np.float32(position - cell)[:, None]
        row = index * self.n_z + cell
        kernel = self.table[row]
        kernel += upper * (self.table[row + 1] - kernel)
        n = len(self.bands)
        dust, pah = kernel[:, :n], kernel[:, n:]
        mixed = dust + np.float32(fraction)[:, None] * (pah - dust)
        return mixed * np.float32(mass * dilution(z))[:, None]
