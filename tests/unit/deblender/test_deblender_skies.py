"""Sky for the training: departures from the model, and maps of known sources."""

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import map_coordinates
from scipy.special import ndtr

from superspire.deblender.crops import BORDER
from superspire.deblender.inputs import SPIRE_BANDS
from superspire.deblender.skies import (
    FILES,
    LIST_FLUX,
    Field,
    Perturbation,
    SourceList,
    add_bright,
    draw_perturbation,
    list_fluxes,
    list_truth,
    mid_infrared_factor,
    observe_field,
    perturb,
    perturbed_beam,
    unit_noise,
)
from superspire.instruments import BANDS, FWHM_PER_SIGMA, PAPER_BANDS, SPIRE, TARGET
from superspire.seeds import stream
from superspire.sky.maps import field_wcs

SPREAD = {
    "slope": 0.1,
    "amplitude": 0.15,
    "colour": 0.3,
    "scatter": 0.25,
    "beam": 0.02,
    "true_areas": 0.6,
    "cirrus": 0.5,
    "unclustered": 0.2,
    "bright": 12.0,
    "mid_offset": 0.2,
    "mid_scatter": 0.7,
    "agn": 0.15,
    "dropouts": 0.2,
    "listed": 0.3,
}
CENTER = (0.0, 0.0)


def galaxies(number=4000, seed=0):
    rng = np.random.default_rng(seed)
    return {band: 10.0 ** rng.uniform(-2, 2, number) for band in PAPER_BANDS}


def moved(fluxes, seed=1, **changes):
    return perturb(fluxes, Perturbation(**changes), np.random.default_rng(seed))


def test_no_departure_changes_nothing():
    fluxes = galaxies()
    for band, flux in moved(fluxes).items():
        np.testing.assert_array_equal(flux, fluxes[band])


def test_amplitude_scales_all_bands_alike():
    fluxes = galaxies()
    for band, flux in moved(fluxes, amplitude=0.2).items():
        np.testing.assert_allclose(flux, fluxes[band] * np.exp(0.2))


def test_slope_turns_around_the_pivot():
    fluxes = galaxies()
    changed = moved(fluxes, slope=0.1)
    for band in PAPER_BANDS:
        factor = np.clip((fluxes[TARGET] / 5.0) ** 0.1, 1 / 3, 3)
        np.testing.assert_allclose(changed[band], fluxes[band] * factor)
    pivot = {band: np.array([5.0]) for band in PAPER_BANDS}
    assert all(flux == 5.0 for flux in moved(pivot, slope=0.7).values())


@pytest.mark.parametrize("slope", [-3.0, 3.0])
def test_no_flux_changes_by_more_than_three(slope):
    fluxes = galaxies() | {TARGET: np.geomspace(1e-9, 1e4, 4000)}
    changed = moved(fluxes, slope=slope, amplitude=0.5)
    ratio = changed[TARGET] / fluxes[TARGET]
    assert ratio.min() == pytest.approx(1 / 3)
    assert ratio.max() == pytest.approx(3.0)
    assert np.all(np.diff(ratio) * np.sign(slope) > -1e-9)


def test_fluxes_of_zero_stay_finite():
    zero = {band: np.zeros(3) for band in PAPER_BANDS}
    for slope in (-0.5, 0.5):
        assert not any(f.any() for f in moved(zero, slope=slope).values())


def test_colour_turns_around_the_target_band():
    fluxes = galaxies()
    changed = moved(fluxes, colour=0.4)
    np.testing.assert_array_equal(changed[TARGET], fluxes[TARGET])
    for band in SPIRE:
        np.testing.assert_allclose(
            changed[band], fluxes[band] * (450.0 / band) ** 0.4, rtol=1e-12
        )


def test_colours_scatter_from_galaxy_to_galaxy_in_all_bands_together():
    fluxes = galaxies()
    changed = moved(fluxes, colour=0.1, scatter=0.25)
    powers = [
        np.log(changed[band] / fluxes[band]) / np.log(450.0 / band) for band in SPIRE
    ]
    np.testing.assert_allclose(powers[0], powers[1], atol=1e-9)
    np.testing.assert_allclose(powers[0], powers[2], atol=1e-9)
    assert stats.kstest((powers[0] - 0.1) / 0.25, "norm").pvalue > 1e-5
    assert abs(np.corrcoef(powers[0], fluxes[TARGET])[0, 1]) < 5 / np.sqrt(4000)


def test_departing_is_reproduced_by_its_seed():
    fluxes = galaxies()
    one, same, other = (moved(fluxes, seed=s, scatter=0.2)[250] for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    powers = [np.log(flux / fluxes[250]) for flux in (one, other)]
    assert abs(np.corrcoef(powers)[0, 1]) < 5 / np.sqrt(4000)


def departures(number=3000):
    rng = stream(4, "deblender", "departures")
    drawn = [draw_perturbation(SPREAD, rng) for _ in range(number)]
    columns = {k: np.array([getattr(d, k) for d in drawn]) for k in FIELDS}
    for band in PAPER_BANDS:
        columns[f"beam {band}"] = np.array([d.beams[band] for d in drawn]) - 1.0
    return columns


FIELDS = ("slope", "amplitude", "colour", "scatter")


def test_distribution_of_departures():
    columns = departures()
    for name in ("slope", "amplitude", "colour"):
        assert stats.kstest(columns[name] / SPREAD[name], "norm").pvalue > 1e-5
    assert stats.kstest(columns["scatter"] / 0.25, "uniform").pvalue > 1e-5
    for band in PAPER_BANDS:
        assert stats.kstest(columns[f"beam {band}"] / 0.02, "norm").pvalue > 1e-5


def test_some_skies_have_cirrus_and_true_beams():
    rng = stream(5, "deblender", "departures")
    drawn = [draw_perturbation(SPREAD, rng) for _ in range(3000)]
    true_areas = [d.true_areas for d in drawn]
    assert stats.binomtest(sum(true_areas), 3000, 0.6).pvalue > 1e-5
    cirrus = np.array([d.cirrus for d in drawn])
    assert stats.binomtest(int((cirrus > 0).sum()), 3000, 0.5).pvalue > 1e-5
    assert stats.kstest(cirrus[cirrus > 0] / 0.5, "uniform").pvalue > 1e-5
    assert abs(np.corrcoef(cirrus, true_areas)[0, 1]) < 5 / np.sqrt(3000)


@pytest.mark.parametrize("band", SPIRE)
def test_beams_of_a_sky_are_scaled_with_the_right_area(band):
    plain = perturbed_beam(band, Perturbation())
    assert plain.components == ((BANDS[band].fwhm, 1.0),)
    wide = perturbed_beam(band, Perturbation(beams={band: 1.04}))
    assert wide.components == ((pytest.approx(1.04 * BANDS[band].fwhm), 1.0),)
    true = perturbed_beam(band, Perturbation(beams={band: 1.04}, true_areas=True))
    area = sum(
        amplitude * 2 * np.pi * (fwhm / FWHM_PER_SIGMA) ** 2
        for fwhm, amplitude in true.components
    )
    assert area == pytest.approx(1.04**2 * BANDS[band].effective_area, rel=1e-3)


def test_departures_are_independent_of_each_other():
    values = np.array(list(departures().values()))
    correlation = np.corrcoef(values) - np.eye(len(values))
    assert np.abs(correlation).max() < 5 / np.sqrt(values.shape[1])


def test_departures_follow_their_stream():
    names = ["train_0", "train_0", "train_1"]
    drawn = [draw_perturbation(SPREAD, stream(1, "deblender", name)) for name in names]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def field_of(x, y, flux, side=303.0, seed=0, bands=SPIRE_BANDS, **changes):
    """Observe point sources at pixels of 1 arcsec, as bright in all bands."""
    wcs, _ = field_wcs(CENTER, side, 1.0)
    ra, dec = wcs.wcs_pix2world(x, y, 0)
    fluxes = {band: np.asarray(flux, float) for band in PAPER_BANDS}
    made = observe_field(
        ra,
        dec,
        fluxes,
        (side / 3600.0) ** 2,
        CENTER,
        Perturbation(**changes),
        np.random.default_rng(seed),
        bands,
    )
    return Field(**made)


def axis_integral(position, n, fwhm):
    """Mean over pixels 0 to n - 1 of a Gaussian of unit peak, positions in pixels."""
    sigma = fwhm / FWHM_PER_SIGMA
    edges = (np.arange(n + 1) - 0.5 - position) / sigma
    return np.diff(ndtr(edges)) * sigma * np.sqrt(2 * np.pi)


def test_shapes_types_and_files(tmp_path):
    field = field_of([100.0], [100.0], [30.0])
    assert field.signal.shape == field.noise.shape == (75, 75, 3)
    assert field.target.shape == (300, 300)
    types = {name: getattr(field, name).dtype for name in FILES}
    assert types == dict.fromkeys(FILES[:3], np.float16) | {"sources": np.float32}
    for name in FILES:
        np.save(tmp_path / f"{name}.npy", getattr(field, name))
    loaded = Field.load(tmp_path)
    for name in FILES:
        assert np.array_equal(getattr(loaded, name), getattr(field, name))


def test_a_source_is_in_the_target_where_it_is_and_as_bright():
    x, y, flux, side = 120.3, 171.6, 50.0, 303
    field = field_of([x], [y], [flux])
    peak = np.outer(axis_integral(y, side, 7.9), axis_integral(x, side, 7.9))
    expected = flux * (peak - peak.mean())[:300, :300]
    np.testing.assert_allclose(field.target, expected, rtol=2e-3, atol=1e-4 * flux)
    assert field.target.max() == pytest.approx(flux, rel=0.02)
    np.testing.assert_allclose(field.sources, [[x, y, *[flux] * 4]], rtol=1e-5)


@pytest.mark.parametrize("factor", [1.0, 1.05])
@pytest.mark.parametrize("channel", range(3))
def test_a_source_is_in_the_signal_where_it_is_and_as_bright(channel, factor):
    x, y, flux, side = 160.3, 131.6, 50.0, 303
    band = SPIRE[channel]
    fwhm, pixel = BANDS[band].fwhm * factor, BANDS[band].pixel
    field = field_of([x], [y], [flux], beams={band: factor})
    n = int(side / pixel + 1e-6)

    def native(position):
        return (np.asarray(position) - (side - 1) / 2) / pixel + (n - 1) / 2

    gauss = np.outer(*(axis_integral(native(p), n, fwhm / pixel) for p in (y, x)))
    fine = native(2 * np.arange(150) + 0.5)
    positions = np.meshgrid(fine, fine, indexing="ij")
    image = map_coordinates(
        flux * (gauss - gauss.mean()), positions, order=1, cval=np.nan
    )
    expected = np.nan_to_num(image.reshape(75, 2, 75, 2).mean(axis=(1, 3)))
    signal = field.signal[..., channel]
    np.testing.assert_allclose(signal, expected, rtol=2e-3, atol=5e-4 * flux)
    assert 0.8 * flux < signal.max() < flux


def test_each_band_has_its_own_flux():
    wcs, _ = field_wcs(CENTER, 300.0, 1.0)
    ra, dec = wcs.wcs_pix2world([150.0], [150.0], 0)
    fluxes = {250: [40.0], 350: [20.0], 450: [15.0], 500: [10.0]}
    fluxes = {band: np.array(flux) for band, flux in fluxes.items()}
    area, rng = (300.0 / 3600.0) ** 2, np.random.default_rng(0)
    made = observe_field(ra, dec, fluxes, area, CENTER, Perturbation(), rng)
    peaks = made["signal"].max(axis=(0, 1)).astype(float)
    assert peaks / [40.0, 20.0, 10.0] == pytest.approx(0.9, abs=0.1)
    assert made["sources"][0, 2:].tolist() == [40.0, 20.0, 15.0, 10.0]


def test_signal_is_that_of_all_sources_together():
    x, y, flux = np.array([80.0, 200.0]), np.array([90.0, 150.0]), np.array([20.0, 9.0])
    both = field_of(x, y, flux).signal.astype(float)
    single = [field_of(x[[i]], y[[i]], flux[[i]]).signal.astype(float) for i in (0, 1)]
    np.testing.assert_allclose(both, single[0] + single[1], atol=0.02)


def test_listed_sources_are_those_above_1_mjy_inside_the_grid():
    x = np.array([10.0, 20.0, 30.0, -0.4, -0.6, 299.4, 299.6, 50.0, 50.0])
    y = np.array([10.0, 20.0, 30.0, 50.0, 50.0, 50.0, 50.0, -3.0, 302.0])
    flux = np.array([1.0, 0.99, 7.0, 2.0, 2.0, 3.0, 3.0, 4.0, 5.0])
    listed = field_of(x, y, flux).sources
    np.testing.assert_allclose(listed[:, 2], [1.0, 7.0, 2.0, 3.0])
    np.testing.assert_allclose(listed[:, 0], [10.0, 30.0, -0.4, 299.4], atol=1e-3)


def cell_weights(band, side=303, cells=75):
    """Weights of the native pixels in each cell, along one axis."""
    pixel = BANDS[band].pixel
    n = int(side / pixel + 1e-6)
    weights = np.zeros((cells, n))
    for cell in range(cells):
        for offset in (0.5, 2.5):
            position = (4 * cell + offset - (side - 1) / 2) / pixel + (n - 1) / 2
            if 0 <= position <= n - 1:
                low = min(int(position), n - 2)
                weights[cell, low] += 0.5 * (low + 1 - position)
                weights[cell, low + 1] += 0.5 * (position - low)
            else:
                weights[cell] = np.nan
    return np.nan_to_num(weights * np.isfinite(weights).all(axis=1, keepdims=True))


@pytest.mark.parametrize("channel", range(3))
def test_noise_is_that_of_unit_white_noise_per_native_pixel(channel):
    """Its mean square is a quadratic form of the native noise of known moments."""
    weights = cell_weights(SPIRE[channel])
    overlap = weights.T @ weights
    expected = np.trace(overlap) ** 2
    scatter = np.sqrt(2.0) * np.trace(overlap @ overlap)
    fields = [field_of([9.0], [9.0], [1.0], seed=seed) for seed in range(6)]
    squares = [np.sum(f.noise[..., channel].astype(float) ** 2) for f in fields]
    assert np.mean(squares) == pytest.approx(expected, abs=5 * scatter / np.sqrt(6))


def test_noise_of_bands_and_fields_is_independent():
    one, same, other = (field_of([9.0], [9.0], [1.0], seed=s).noise for s in (1, 1, 2))
    assert np.array_equal(one, same)
    inner = [a[BORDER:-BORDER, BORDER:-BORDER].astype(float) for a in (one, other)]
    values = np.concatenate([a.reshape(-1, 3) for a in inner], axis=1)
    correlation = np.corrcoef(values.T) - np.eye(6)
    assert np.abs(correlation).max() < 5 / np.sqrt(300 / 12 * 300 / 12)


@pytest.mark.parametrize("side", [303.0, 311.0, 300.0, 302.9])
def test_maps_reach_all_cells_inside_the_border(side):
    noise = field_of([9.0], [9.0], [1.0], side=side).noise
    inner = noise[BORDER:-BORDER, BORDER:-BORDER]
    assert inner.size
    assert np.all(inner != 0)


def test_a_sky_without_listed_sources():
    field = field_of([100.0], [100.0], [0.5])
    assert field.sources.shape == (0, 6)


def test_a_listed_source_has_some_flux_in_every_band():
    fluxes = {250: [5.0, 0.0], 350: [4.0, 0.05], 450: [3.0, 2.0], 500: [0.02, 1.0]}
    fluxes = {band: np.array(flux) for band, flux in fluxes.items()}
    listed = list_truth(np.array([3.0, 4.0]), np.array([5.0, 6.0]), fluxes, 10)
    assert listed.dtype == np.float32
    expected = [[3.0, 5.0, 5.0, 4.0, 3.0, 0.1], [4.0, 6.0, 0.1, 0.1, 2.0, 1.0]]
    np.testing.assert_allclose(listed, expected, rtol=1e-6)


def test_bands_of_several_pixels_a_cell():
    """Their mean over a cell is the map of one pixel a cell, and so is the noise's."""
    options = {"x": [120.3], "y": [170.6], "flux": [50.0], "seed": 4}
    fine = field_of(**options, bands={250: 2, 450: 4})
    coarse = field_of(**options, bands={250: 1})
    assert fine.signal.shape == fine.noise.shape == (75, 75, 4 + 16)
    inner = slice(BORDER, -BORDER), slice(BORDER, -BORDER)
    for name in ("signal", "noise"):
        one, two = (getattr(f, name)[inner].astype(float) for f in (fine, coarse))
        np.testing.assert_allclose(one[..., :4].mean(axis=-1), two[..., 0], atol=0.03)
    target = fine.target.astype(float).reshape(75, 4, 75, 4).swapaxes(1, 2)
    target = target.reshape(75, 75, 16)[inner]
    np.testing.assert_allclose(fine.signal[..., 4:][inner], target, atol=0.05)


def test_cirrus_is_the_same_cloud_in_all_bands():
    plain, cloudy = (field_of([9.0], [9.0], [1.0], cirrus=c) for c in (0.0, 2.0))
    added = cloudy.signal.astype(float) - plain.signal.astype(float)
    inner = added[BORDER:-BORDER, BORDER:-BORDER].reshape(-1, 3)
    assert np.all(inner.std(axis=0) > 0.3)
    correlation = np.corrcoef(inner.T)
    assert correlation.min() > 0.7
    np.testing.assert_array_equal(cloudy.target, plain.target)


@pytest.mark.parametrize("cells", [20, 75, 200])
def test_a_corner_of_a_field_is_a_field(cells):
    x = np.array([10.0, 79.4, 79.6, 200.0, 30.0])
    y = np.array([10.0, 20.0, 20.0, 30.0, 79.6])
    field = field_of(x, y, np.full(5, 5.0))
    corner = field.corner(cells)
    kept = min(cells, 75)
    assert corner.signal.shape == corner.noise.shape == (kept, kept, 3)
    assert corner.target.shape == (4 * kept, 4 * kept)
    np.testing.assert_array_equal(corner.signal, field.signal[:kept, :kept])
    np.testing.assert_array_equal(corner.noise, field.noise[:kept, :kept])
    np.testing.assert_array_equal(corner.target, field.target[: 4 * kept, : 4 * kept])
    listed = field.sources if cells > 20 else field.sources[[0, 1]]
    np.testing.assert_array_equal(corner.sources, listed)


def test_the_mid_infrared_departs_in_its_own_way():
    """Neither colours nor their scatter matter, an offset and a scatter do."""
    fluxes = {b: np.full(20000, f) for b, f in ((24, 0.1), (250, 9.0), (450, 5.0))}
    changed = moved(fluxes, colour=0.4, scatter=0.1, mid_offset=0.3, mid_scatter=0.5)
    change = np.log(changed[24] / 0.1)
    assert stats.kstest((change - 0.3) / 0.5, "norm").pvalue > 1e-5
    assert abs(np.corrcoef(change, changed[250])[0, 1]) < 5 / np.sqrt(20000)


def test_nuclei_raise_and_dropouts_lower_as_many_as_asked():
    number, rng = 20000, np.random.default_rng(5)
    factor = mid_infrared_factor(number, Perturbation(agn=0.1, dropouts=0.2), rng)
    for hits, fraction in ((factor > 1, 0.1), (factor < 1, 0.2)):
        assert stats.binomtest(int(hits.sum()), number, fraction).pvalue > 1e-5
    raised, lowered = np.log(factor[factor > 1]) / 2, -np.log(factor[factor < 1]) / 4
    for drawn in (raised, lowered):
        assert stats.kstest(drawn, "uniform").pvalue > 1e-5


def test_bright_sources_are_added_with_spectra_of_stars_to_lensed_galaxies():
    empty = np.zeros(0)
    rng = np.random.default_rng(6)
    ra, dec, fluxes = add_bright(
        empty, empty, dict.fromkeys((24, *PAPER_BANDS), empty), 1.0, CENTER, 3000.0, rng
    )
    assert stats.poisson(3000).sf(len(ra) - 1) > 1e-5
    assert stats.poisson(3000).cdf(len(ra)) > 1e-5
    assert np.abs((ra + 180) % 360 - 180).max() < 0.51
    assert np.abs(dec).max() < 0.51
    rescaled = np.log(fluxes[250] / 20.0) / np.log(100.0)
    assert stats.kstest(rescaled, "uniform").pvalue > 1e-5
    powers = np.log(fluxes[250] / fluxes[500]) / np.log(2.0)
    assert stats.kstest((powers + 0.3) / 3.3, "uniform").pvalue > 1e-5
    np.testing.assert_allclose(fluxes[450], fluxes[250] * (250 / 450) ** powers)


@pytest.mark.parametrize("fwhm", [0.0, 2.5])
def test_a_fit_of_a_point_source_has_an_error_of_one_unit(fwhm):
    """The standard deviation of sum(b n) / sum(b²) at many positions."""
    noise = unit_noise((600, 600), 24, fwhm, np.random.default_rng(7))
    sigma = BANDS[24].sigma / BANDS[24].pixel
    y, x = np.mgrid[-12:13, -12:13]
    beam = np.exp(-0.5 * (x**2 + y**2) / sigma**2)
    stamps = np.lib.stride_tricks.sliding_window_view(noise, beam.shape)[::9, ::9]
    fits = (stamps * beam).sum(axis=(2, 3)) / (beam**2).sum()
    assert fits.std() == pytest.approx(1.0, rel=5 / np.sqrt(2 * fits.size))


def test_noise_of_spire_is_white():
    noise = unit_noise((200, 200), 350, 2.5, np.random.default_rng(8))
    assert noise.std() == pytest.approx(1.0, rel=5 / np.sqrt(2 * noise.size))
    assert abs((noise[1:] * noise[:-1]).mean()) < 5 / 200


@pytest.mark.parametrize("with_fluxes", [True, False])
def test_a_list_is_incomplete_and_partly_wrong(with_fluxes):
    rng = np.random.default_rng(9)
    ra, dec = rng.uniform(0, 1, (2, 4000))
    flux = 10.0 ** rng.uniform(-3, 0, 4000)
    listed = SourceList(0.05, with_fluxes, 0.25)
    positions = list_fluxes(ra, dec, flux, listed, rng)
    true = flux >= 0.05
    number = int(true.sum())
    assert len(positions[0]) == number + number // 4
    np.testing.assert_array_equal(positions[0][:number], ra[true])
    if with_fluxes:
        np.testing.assert_array_equal(positions[2][:number], flux[true])
        assert set(positions[2]) == set(flux[true])
    else:
        assert set(positions[2]) == {LIST_FLUX}


def test_a_list_stands_for_a_map_without_noise():
    x, y, side, bands = 120.0, 171.0, 303.0, {24: 2, **SPIRE_BANDS}
    wcs, _ = field_wcs(CENTER, side, 1.0)
    ra, dec = wcs.wcs_pix2world([x, 60.0], [y, 60.0], 0)
    fluxes = {band: np.array([30.0, 20.0]) for band in PAPER_BANDS}
    fluxes[24] = np.array([0.5, 0.01])
    listed = SourceList(0.02, True, 0.0)
    made = observe_field(
        ra,
        dec,
        fluxes,
        (side / 3600.0) ** 2,
        CENTER,
        Perturbation(listed=listed),
        np.random.default_rng(1),
        bands,
    )
    signal, noise = (made[name].astype(float) for name in ("signal", "noise"))
    assert not noise[..., :4].any()
    assert noise[..., 4:].std() > 0.3
    row, column = np.unravel_index(signal[..., :4].max(axis=-1).argmax(), (75, 75))
    assert (row, column) == (171 // 4, 120 // 4)
    assert 0.35 < signal[..., :4].max() < 0.5
    assert abs(signal[15, 15, :4]).max() < 0.005
    assert len(made["sources"]) == 2
