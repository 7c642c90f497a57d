import importlib.util
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from superspire.errors import InputError
from superspire.instruments import BANDS, PAPER_BANDS
from superspire.sky import dust
from superspire.sky.filter_curves import top_hat

RESOURCES = Path(__file__).parents[3] / "resources" / "dust"


@pytest.fixture(scope="module")
def make_compact():
    spec = importlib.util.spec_from_file_location(
        "make_compact", RESOURCES / "make_compact.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def flat_library():
    """Two templates with constant lambda nu L_nu, ten times brighter in PAHs."""
    wavelength = np.geomspace(10.0, 2000.0, 400)
    sed = np.stack([np.tile(1.0 / wavelength, (2, 1))] * 2)
    sed[1] *= 10.0
    lir, l8 = np.array([[30.0, 30.0], [10.0, 10.0]]), np.array([[1.0, 1.0], [20.0] * 2])
    return dust.DustLibrary("flat", wavelength, np.array([20.0, 40.0]), sed, lir, l8)


def test_compact_is_small_and_has_its_licence(compact):
    assert dust.COMPACT.stat().st_size < 300_000
    header = fits.getheader(dust.COMPACT)
    assert "Schreiber et al. 2018" in str(header["COMMENT"])
    assert (
        "Copyright (c) 2015 Corentin Schreiber" in (RESOURCES / "LICENSE").read_text()
    )
    assert compact.sed.shape == (2, 250, len(compact.wavelength))
    assert np.all(np.diff(compact.tdust) > 0)


def test_compact_against_the_published_library(make_compact, compact, original):
    np.testing.assert_allclose(compact.tdust, original.tdust)
    np.testing.assert_allclose(compact.lir, original.lir)
    np.testing.assert_allclose(compact.l8, original.l8)
    for error in make_compact.flux_errors(compact, original).values():
        assert np.median(np.abs(error)) < 1e-4
        assert np.abs(error).max() < 1e-3


def test_compact_can_be_made_again(make_compact, original_path, tmp_path, capsys):
    path = tmp_path / "compact.fits"
    make_compact.main(original_path, path)
    assert "S450: median error" in capsys.readouterr().out
    made, shipped = dust.read_compact(path), dust.load_library()
    np.testing.assert_allclose(made.sed, shipped.sed, rtol=1e-4)


@pytest.mark.parametrize("band", PAPER_BANDS)
def test_response_is_normalised(band):
    nodes, value = top_hat(band)
    assert np.trapezoid(value, nodes) == pytest.approx(1.0)
    mean = np.trapezoid(nodes * value, nodes)
    centre = 0.5 * (BANDS[band].lambda_min + BANDS[band].lambda_max)
    assert mean == pytest.approx(centre, rel=5e-4)


@pytest.mark.parametrize("band", PAPER_BANDS)
def test_band_average_of_a_line_and_of_a_constant(band):
    wavelength = np.geomspace(10.0, 2000.0, 300)
    z = np.array([0.1, 1.7, 6.0])
    operator = dust.band_operator(wavelength, z, top_hat(band))
    np.testing.assert_allclose(operator.sum(axis=1), 1.0)
    nodes, value = top_hat(band)
    # Where the response is sloped, the product is a parabola.
    x = np.linspace(nodes[0], nodes[-1], 100_001)
    mean = np.trapezoid(x * np.interp(x, nodes, value), x)
    rtol = 3e-4 if band == 450 else 1e-8
    np.testing.assert_allclose(operator @ wavelength * (1 + z), mean, rtol=rtol)


def test_nearest_template(compact):
    t = compact.tdust
    assert dust.template_index(compact, [0.0, -50.0, 500.0]).tolist() == [0, 0, 249]
    assert dust.template_index(compact, t).tolist() == list(range(250))
    between = 0.6 * t[100] + 0.4 * t[101]
    assert dust.template_index(compact, [between]).tolist() == [100]


def test_pah_fraction_gives_the_ratio(compact):
    index = np.array([30, 100, 200])
    ir8 = np.array([4.0, 8.0, 12.0])
    f = dust.pah_fraction(compact, index, ir8)
    lir = compact.lir[0, index] * (1 - f) + compact.lir[1, index] * f
    l8 = compact.l8[0, index] * (1 - f) + compact.l8[1, index] * f
    assert np.all((f > 0.0) & (f < 1.0))
    np.testing.assert_allclose(lir / l8, ir8)
    np.testing.assert_allclose(
        dust.dust_mass(compact, index, f, np.full(3, 11.0)) * lir, 1e11
    )


def test_pah_fraction_is_limited(compact):
    index = np.array([100, 100, 100])
    ratios = compact.lir[:, 100] / compact.l8[:, 100]
    f = dust.pah_fraction(compact, index, np.array([*ratios, 1000.0]))
    np.testing.assert_allclose(f, [0.0, 1.0, 0.0], atol=1e-12)


def test_flux_of_a_flat_library():
    library = flat_library()
    z, log_lir = np.array([0.5, 2.0, 2.0]), np.array([10.0, 12.0, 12.0])
    f = 1.0 / (1.0 - (10.0 - 20.0 * 5.0) / (30.0 - 5.0))
    mass = 10**log_lir / (30.0 * (1 - f) + 10.0 * f)
    expected = dust.dilution(z) * mass * (1 - f + 10.0 * f)
    table = dust.FluxTable(library, 0.1, 6.0)
    flux = table.fluxes(z, log_lir, np.array([25.0, 25.0, 99.0]), np.full(3, 5.0))
    np.testing.assert_allclose(flux, np.repeat(expected[:, None], 4, 1), rtol=1e-4)


def test_table_against_exact_fluxes(compact):
    rng = np.random.default_rng(1)
    n = 500
    z, t = rng.uniform(0.1, 6.0, n), rng.uniform(15.0, 60.0, n)
    ir8, log_lir = rng.uniform(1.0, 27.0, n), rng.uniform(9.5, 13.0, n)
    index = dust.template_index(compact, t)
    f = dust.pah_fraction(compact, index, ir8)
    mass = dust.dust_mass(compact, index, f, log_lir)
    exact = dust.exact_fluxes(compact, z, index, f, mass)
    table = dust.FluxTable(compact, 0.1, 6.0)
    np.testing.assert_allclose(table.fluxes(z, log_lir, t, ir8), exact, rtol=1e-3)
    single = [x.astype(np.float32) for x in (z, log_lir, t, ir8)]
    keep = dust.template_index(compact, single[2]) == index
    np.testing.assert_allclose(table.fluxes(*single)[keep], exact[keep], rtol=1e-3)


def test_dilution_is_the_inverse_square_law():
    z = 0.01
    flux = dust.dilution(z) * 1e10 * 350.0
    distance = 43.16 * 3.0857e22  # m
    frequency = 2.998e8 / (350e-6 * 1.01)
    expected = 1e10 * 3.83e26 / (4 * np.pi * distance**2) / frequency * 1e29
    assert flux == pytest.approx(expected, rel=5e-3)


def test_missing_library(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        dust.load_library(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"s17_dust\.fits"):
        dust.load_library(tmp_path)


def test_library_without_a_column(tmp_path):
    Table({"LAM": [[1.0]]}).write(tmp_path / "s17_dust.fits")
    with pytest.raises(InputError, match="SED"):
        dust.load_library(tmp_path)


def test_damaged_compact_library(tmp_path):
    path = tmp_path / "broken.fits"
    path.write_text("not a FITS file")
    with pytest.raises(InputError, match="compact dust library"):
        dust.load_library(path)
    fits.PrimaryHDU().writeto(path, overwrite=True)
    with pytest.raises(InputError, match="TEMPLATES"):
        dust.load_library(path)
