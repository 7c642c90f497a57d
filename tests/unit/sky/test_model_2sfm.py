from types import SimpleNamespace

import numpy as np
import pytest
from astropy import constants, units
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.spatial import KDTree

from simulate_catalogue import main
from superspire.errors import InputError
from superspire.io import read_table
from superspire.seeds import stream
from superspire.sky import catalogue, magdis
from superspire.sky.cosmology import comoving_volume, luminosity_distance
from superspire.sky.filter_curves import top_hat
from superspire.sky.magdis import FieldFluxes, casey, spectrum, thin_temperature
from superspire.sky.model_2sfm import (
    NAME,
    draw_star_formation,
    expected_population,
    main_sequence,
    mass_floor,
    mass_function,
    mean_field,
    schechter_parameters,
    star_forming_share,
    starburst_share,
)

AREA = 2.0
HALF = 10**0.06
"""Half width of the bins of the counts, as a factor."""

# nu L_nu over L_IR at 60, 100, 160, 250 and 400 µm in the published library of
# Béthermin et al. (2012), by family and <U>.
LIBRARY_WAVELENGTHS = (60.0, 100.0, 160.0, 250.0, 400.0)
LIBRARY = [
    (False, 3.70, [0.3954, 0.6484, 0.4242, 0.1342, 0.02441]),
    (False, 23.92, [0.6656, 0.4779, 0.1718, 0.03774, 0.00543]),
    (True, 15.45, [0.7038, 0.6203, 0.2526, 0.0597, 0.009003]),
    (True, 48.0, [0.5683, 0.3314, 0.1107, 0.02361, 0.003365]),
]

# Band [µm], flux density [mJy], dN/dS [deg^-2 mJy^-1] and its error, and the range in
# which the ratio of model and observation must be.
COUNTS = [
    # Glenn et al. (2010), from the distribution of the pixels of SPIRE maps.
    (250, 9.1, 687.1, 100.0, 0.8, 1.5),
    (250, 19.5, 169.8, 12.1, 0.67, 1.3),
    (250, 41.8, 10.86, 0.86, 0.67, 1.5),
    (350, 9.1, 677.6, 139.0, 0.67, 1.5),
    (350, 19.5, 90.99, 11.9, 0.67, 1.3),
    (350, 41.8, 7.06, 0.88, 0.5, 1.2),
    # Béthermin et al. (2012, A&A 542, A58).
    (500, 2.1, 5222.9, 1302.3, 0.67, 1.5),
    (500, 3.0, 3223.2, 483.9, 0.67, 1.5),
    (500, 4.2, 1930.2, 290.2, 0.67, 1.5),
    # Gao et al. (2024), at a resolution of 8 arcsec.
    (450, 3.97, 2065.0, 204.0, 0.9, 1.6),
    (450, 7.36, 467.0, 57.0, 0.9, 1.6),
    (450, 18.4, 29.7, 6.4, 0.9, 1.8),
]

# Blending doubles the counts that Herschel sees at 500 µm, say Béthermin et al. (2017).
BLENDED = [
    (500, 6.0, 1329.4),
    (500, 8.4, 539.2),
    (500, 11.9, 195.6),
    (500, 16.8, 62.79),
    (500, 23.8, 21.95),
]

# Background [nW m^-2 sr^-1] and its error (FIRAS: Lagache et al. 2000).
BACKGROUND = {250: (10.4, 2.3), 350: (5.4, 1.6), 500: (2.4, 0.6)}


def simulate_catalogue(area, rng, **options):
    return catalogue.simulate_catalogue(area, rng, model=NAME, **options)


@pytest.fixture(scope="module")
def field():
    return simulate_catalogue(AREA, stream(3, "2sfm", "field"))


@pytest.fixture(scope="module")
def fluxes():
    return FieldFluxes(0.1, 6.0)


def small_field(rng, **options):
    return simulate_catalogue(0.05, rng, z_min=1.0, z_max=1.4, **options)


def differential(table, band, flux):
    """dN/dS and the number of sources that it rests on."""
    values = np.array(table[f"S{band}"])
    n = np.sum((values > flux / HALF) & (values < flux * HALF))
    return n / (AREA * flux * (HALF - 1.0 / HALF)), n


# ----------------------------------------------------------------- spectra


@given(st.floats(-0.5, 2.8), st.booleans())
def test_a_spectrum_holds_its_luminosity(log_field, starburst):
    fine = np.geomspace(8.0, 1000.0, 6001)
    value = np.interp(fine, magdis.WAVELENGTH, spectrum(log_field, starburst))
    assert integrate.simpson(value, np.log(fine)) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(("starburst", "field_strength", "expected"), LIBRARY)
def test_spectra_are_like_those_of_the_library(starburst, field_strength, expected):
    """The tolerance is twice the rms of the fit, and thrice at the ends."""
    sed = spectrum(np.log10(field_strength), starburst)
    found = np.interp(LIBRARY_WAVELENGTHS, magdis.WAVELENGTH, sed)
    residual = np.log(found / expected)
    assert np.abs(residual).max() < 0.16
    assert np.sqrt(np.mean(residual**2)) < 0.1


def test_black_body_without_dust_between():
    """Far beyond the peak and where dust is thin, L_nu falls as the power 2 + beta."""
    x = np.array([2e5, 4e5])
    low, high = casey(x, 40.0, 2.0)
    assert np.log(high / low) / np.log(2.0) == pytest.approx(-2.0 - magdis.BETA, 2e-3)


def test_power_law_in_the_mid_infrared():
    x = np.array([2.0, 4.0])
    low, high = casey(x, 40.0, 2.0)
    assert high / low == pytest.approx(2.0**2, rel=1e-2)


def test_stronger_fields_are_warmer():
    for starburst in (False, True):
        peaks = [spectrum(u, starburst).argmax() for u in np.arange(0.5, 2.0, 0.25)]
        assert (np.diff(peaks) < 0).all()


@given(st.floats(0.0, 2.5))
def test_thin_temperature_and_mass(log_field):
    temperature = thin_temperature(log_field)
    assert (temperature / 18.9) ** 6.04 == pytest.approx(10.0**log_field)
    mass = magdis.dust_mass(11.0, log_field)
    assert 1e11 / mass == pytest.approx(125.0 * 10.0**log_field)


@pytest.mark.parametrize("band", [250, 450])
@pytest.mark.parametrize("starburst", [False, True])
@pytest.mark.parametrize(("z", "log_field"), [(0.123, 0.71), (2.01, 1.237), (5.5, 1.7)])
def test_fluxes_are_those_of_the_spectrum(fluxes, band, starburst, z, log_field):
    """S = (1 + z) L_nu / (4 pi D²), averaged over the band."""
    nodes, value = top_hat(band)
    observed = np.linspace(nodes[0], nodes[-1], 4001)
    rest = observed / (1.0 + z)
    sed = np.interp(rest, magdis.WAVELENGTH, spectrum(log_field, starburst))
    per_hertz = sed * rest * units.um / constants.c
    response = np.interp(observed, nodes, value)
    mean = integrate.trapezoid(per_hertz.to_value("1/Hz") * response, observed)
    distance = luminosity_distance(z) * units.Mpc
    light = 10.0**11.3 * constants.L_sun / (4.0 * np.pi * distance**2)
    expected = ((1.0 + z) * light * mean / units.Hz).to_value("mJy")
    galaxy = (np.array([x]) for x in (z, 11.3, log_field, starburst))
    found = fluxes.fluxes(*galaxy)[0, fluxes.bands.index(band)]
    assert found == pytest.approx(expected, rel=4e-3)


# -------------------------------------------------------------- population


def test_mass_function_of_one_epoch():
    """Davidzon et al. (2017, table 1), 1.5 < z < 2, for all types."""
    knee, flat, flat_slope, _, steep, steep_slope = schechter_parameters(1.75)
    assert [knee, flat_slope, steep_slope] == [10.51, 0.82, -1.28]
    assert [flat, steep] == pytest.approx([0.64e-3, 0.969e-3])


def test_mass_function_between_epochs():
    """Halfway, the mass and the steep density are geometric means."""
    before, after, centre = schechter_parameters(np.array([1.75, 2.25, 2.0]))
    assert centre[:4] == pytest.approx(0.5 * (before + after)[:4])
    assert centre[4] == pytest.approx(np.sqrt(before[4] * after[4]))
    assert schechter_parameters(9.0) == pytest.approx(schechter_parameters(7.0))


def test_mass_function_of_star_forming_galaxies():
    mass, z = np.array([10.9]), np.array([1.75])
    x = 10.0 ** (10.9 - 0.24 - 10.51)
    schechter = np.exp(-x) * (0.64e-3 * x**1.82 + 0.969e-3 * x**-0.28) * np.log(10.0)
    expected = schechter * star_forming_share(1.75, 10.9)
    assert mass_function(z, mass) == pytest.approx(np.array([[expected]]))


def test_star_forming_share():
    assert star_forming_share(0.0, 5.0) == pytest.approx(1.0 - 0.1017)
    assert star_forming_share(0.0, 10.53 + 0.24) == pytest.approx(0.5 * (1.0 - 0.1017))
    fraction = star_forming_share(1.0, np.arange(8.0, 12.5, 0.1))
    assert (np.diff(fraction) < 0.0).all()
    assert (fraction > 0.0).all()


def test_main_sequence():
    """Worked out by hand: below the bend, above it, and lowered at low redshift."""
    assert main_sequence(1.0, 9.5) == pytest.approx(
        0.5 - 0.5 + 0.45154 - 0.24, abs=1e-4
    )
    bent = 1.5 - 0.5 + 0.45154 - 0.3 * (1.5 - 0.36 - 0.75257) ** 2 - 0.24
    assert main_sequence(1.0, 10.5) == pytest.approx(bent, abs=1e-4)
    lowered = 0.0 - 0.5 + 1.5 * np.log10(1.22) - 0.1 - 0.24
    assert main_sequence(0.22, 9.0) == pytest.approx(lowered)


@pytest.mark.parametrize("z", [0.1, 0.5, 1.0, 4.0])
def test_share_of_starbursts(z):
    n = 200_000
    expected = min(0.015 * (1.0 + z), 0.03)
    assert starburst_share(z) == pytest.approx(expected)
    rng = stream(1, "starbursts", z)
    _, starburst = draw_star_formation(np.full(n, z), np.full(n, 9.0), rng)
    noise = np.sqrt(expected * (1.0 - expected) / n)
    assert starburst.mean() == pytest.approx(expected, abs=4.5 * noise)


@pytest.mark.parametrize(("z", "mass"), [(0.5, 9.0), (2.0, 10.5), (3.0, 11.9)])
def test_star_formation_is_log_normal_and_cut(z, mass):
    n = 50_000
    rng = stream(2, "star formation")
    log_sfr, starburst = draw_star_formation(np.full(n, z), np.full(n, mass), rng)
    for kind, excess in ((False, 0.87), (True, 5.3)):
        median = main_sequence(z, mass) + np.log10(excess)
        top = (3.0 - median) / 0.3
        expected = stats.truncnorm(-np.inf, top, median, 0.3)
        assert stats.kstest(log_sfr[starburst == kind], expected.cdf).pvalue > 1e-4
    assert log_sfr.max() <= 3.0 + 1e-12


def test_radiation_field():
    z = np.array([0.0, 2.0, 3.0, 3.5, 4.0, 6.0])
    sequence = [5.0, 5.0 * 10**0.5, 5.0 * 10**0.75, 5.0 * 10**0.875, 50.0, 50.0]
    assert 10.0 ** mean_field(z, False) == pytest.approx(np.array(sequence))
    burst = np.maximum(sequence, 31.0)
    assert 10.0 ** mean_field(z, True) == pytest.approx(burst)
    assert burst[2] == 31.0 < burst[3]


def test_expected_numbers():
    """The slices against an integral over redshift and mass."""
    z = np.linspace(0.5, 2.5, 201)
    mass = np.linspace(9.0, 12.0, 601)
    density = integrate.trapezoid(mass_function(z, mass), mass, axis=1)
    volume = np.gradient(comoving_volume(z), z) * np.radians(1.0) ** 2 / (4.0 * np.pi)
    expected = integrate.trapezoid(density * volume, z)
    found = expected_population(1.0, 0.5, 2.5, 9.0).numbers
    assert found[0].sum() == pytest.approx(expected, rel=5e-3)
    assert not found[1].any()


def above(z, mass, log_lir):
    """Share of galaxies above a luminosity, without the cut of the highest rates."""
    deviate = log_lir - 10.0 - main_sequence(z, mass)
    tails = [stats.norm.sf(deviate - np.log10(x), scale=0.3) for x in (0.87, 5.3)]
    return tails[0] + starburst_share(z) * (tails[1] - tails[0])


@pytest.mark.parametrize("log_lir", [9.5, 11.0])
@pytest.mark.parametrize("z", [0.2, 1.0, 3.0])
def test_the_mass_floor_loses_hardly_anything(log_lir, z):
    mass = np.arange(5.0, 12.0, 0.01)
    bright = mass_function(np.array([z]), mass)[0] * above(z, mass, log_lir)
    floor = mass_floor(np.array([z]), log_lir, 5.0)[0]
    assert 5.0 < floor < 11.0
    assert bright[mass < floor].sum() < 1e-3 * bright.sum()


# --------------------------------------------------------------- catalogue


def test_columns_are_those_of_the_other_model(compact):
    ours = small_field(1)
    other = catalogue.simulate_catalogue(0.05, 1, z_min=1.0, z_max=1.4, dust=compact)
    assert ours.colnames == other.colnames
    for name in ours.colnames:
        assert ours[name].dtype == other[name].dtype
        assert ours[name].unit == other[name].unit
    assert set(other.meta) <= set(ours.meta)
    assert not ours["PASSIVE"].any()


def test_numbers_of_galaxies():
    found = simulate_catalogue(
        0.5, stream(8, "numbers"), log_lir_min=None, log_mass_min=9.0, poisson=True
    )
    population = expected_population(0.5, 0.1, 6.0, 9.0)
    for low, high in ((0.1, 0.5), (0.5, 1.5), (1.5, 3.0), (3.0, 6.0)):
        # Slices that a limit cuts count in part.
        inside = np.clip(population.edges, low, high)
        fraction = np.diff(inside) / np.diff(population.edges)
        expected = np.sum(population.numbers[0] * fraction)
        n = np.sum((found["Z"] >= low) & (found["Z"] < high))
        assert n == pytest.approx(
            expected, abs=4.5 * np.sqrt(expected) + 0.01 * expected
        )


def test_scatter_of_the_radiation_field(field):
    """Above z = 3.2 starbursts and main sequence have the same field."""
    z = np.array(field["Z"], dtype=float)
    high = z > 3.2
    log_field = 6.04 * np.log10(np.array(field["TDUST"], dtype=float)[high] / 18.9)
    deviate = (log_field - mean_field(z[high], False)) / 0.2
    assert high.sum() > 10_000
    assert stats.kstest(deviate, stats.norm.cdf).pvalue > 1e-4


def test_threshold_and_ranges(field):
    assert np.min(field["LOGLIR"]) >= 9.5
    assert np.max(field["LOGLIR"]) <= 13.0
    assert np.min(field["Z"]) >= 0.1
    assert np.max(field["Z"]) <= 6.0
    assert np.min(field["LOGM"]) >= 8.0
    assert np.max(np.abs(field["DEC"] - 2.21)) < 0.5 * np.sqrt(AREA) * 1.001


@pytest.mark.parametrize(("band", "flux", "counts", "error", "low", "high"), COUNTS)
def test_counts(field, band, flux, counts, error, low, high):
    found, n = differential(field, band, flux)
    assert n > 20
    noise = 2.0 * np.hypot(error / counts, 1.0 / np.sqrt(n))
    assert low * (1.0 - noise) < found / counts < high * (1.0 + noise)


@pytest.mark.parametrize(("band", "flux", "counts"), BLENDED)
def test_counts_that_blending_raises(field, band, flux, counts):
    found, n = differential(field, band, flux)
    noise = 4.0 / np.sqrt(n)
    assert 0.35 * (1.0 - noise) < found / counts < 0.7 * (1.0 + noise)


@pytest.mark.parametrize("band", BACKGROUND)
def test_background(field, band):
    expected, error = BACKGROUND[band]
    solid_angle = AREA * np.radians(1.0) ** 2
    total = np.sum(field[f"S{band}"], dtype=float) * units.mJy / solid_angle
    frequency = constants.c / (band * units.um)
    intensity = (total * frequency).to_value("nW/m2")
    assert intensity == pytest.approx(expected, abs=error)


def test_another_sky_than_that_of_egg(field, compact):
    """Colours differ by much more than the sampling, but not wildly."""
    other = catalogue.simulate_catalogue(1.0, 3, dust=compact)
    ratios = []
    for table in (field, other):
        bright = table[np.array(table["S450"]) > 6.0]
        ratios.append(np.log10(np.array(bright["S500"] / bright["S450"])))
    assert stats.ks_2samp(*ratios).pvalue < 1e-10
    assert 0.002 < np.median(ratios[1]) - np.median(ratios[0]) < 0.05


def test_the_same_seed_gives_the_same_sky():
    first, again, other = (small_field(stream(seed, "2sfm", "a")) for seed in (5, 5, 6))
    for name in first.colnames:
        assert (first[name] == again[name]).all()
    assert len(other) != len(first) or (other["S450"] != first["S450"]).any()


def test_ingredients_have_streams_of_their_own():
    plain = small_field(5)
    uniform = small_field(5, clustering=False)
    lensed = small_field(5, realism={"strong_lensing": True})
    lines = small_field(5, realism={"emission_lines": True})
    for table in (uniform, lensed, lines):
        for name in ("Z", "LOGM", "LOGLIR", "TDUST"):
            assert (table[name] == plain[name]).all()
    assert (uniform["RA"] != plain["RA"]).any()
    assert (lensed["RA"] == plain["RA"]).all()
    assert (uniform["S450"] == plain["S450"]).all()
    assert lensed["S450"] == pytest.approx(plain["S450"] * lensed["MU"], rel=1e-6)
    assert (lines["S450"] >= plain["S450"]).all()
    assert (lines["S450"] > plain["S450"]).any()


def test_positions_cluster_as_in_the_other_model():
    """More pairs within an arcmin than at random."""
    options = {"z_min": 1.1, "z_max": 1.2, "log_lir_min": None, "log_mass_min": 9.5}
    pairs = []
    for clustering in (True, False):
        table = simulate_catalogue(
            2.0, 4, clustering=clustering, center=(10.0, 0.0), **options
        )
        points = np.stack([table["RA"], table["DEC"]], axis=1)
        tree = KDTree(points)
        pairs.append(tree.count_neighbors(tree, 60.0 / 3600.0) - len(points))
    assert pairs[0] > pairs[1] + 10.0 * np.sqrt(2.0 * pairs[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"z_min": 5.0, "z_max": 1.0}, "z_min, z_max: expected"),
        ({"log_mass_min": 3.0}, "log_mass_min: expected"),
        ({"log_lir_min": 13.5}, "log_lir_min: expected"),
        ({"center": (0.0, 95.0)}, "center: expected"),
    ],
)
def test_impossible_requests(options, message):
    with pytest.raises(InputError, match=message):
        simulate_catalogue(0.05, 1, **({"z_min": 1.0, "z_max": 1.4} | options))


def test_script(tmp_path):
    params = {
        "model": NAME,
        "seed": 7,
        "dust_library": "compact",
        "area": 0.05,
        "center": (150.0, 2.0),
        "z_min": 1.0,
        "z_max": 1.4,
        "log_mass_min": 8.0,
        "log_lir_min": 9.5,
        "clustering": True,
        "cluster_seeds": "reference",
        "poisson": False,
        "filter_curves": {},
        "realism": {"weak_lensing": True},
    }
    path = tmp_path / "catalogue.fits"
    job = SimpleNamespace(
        params=SimpleNamespace(**params),
        wildcards=SimpleNamespace(sky="simulated_0"),
        output=[path],
    )
    main(job)
    written = read_table(path)
    rng = stream(7, NAME, "simulated_0")
    expected = small_field(rng, center=(150.0, 2.0), realism={"weak_lensing": True})
    assert len(written) == len(expected)
    assert (np.array(written["S450"]) == np.array(expected["S450"])).all()
    assert written.meta["SOURCE"] == "2sfm"
    assert written.meta["SKY"] == "simulated_0"
