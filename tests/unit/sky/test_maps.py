"""Maps against the closed form of a beam integrated over pixels."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from read_depth_map import read_depth
from superspire.errors import InputError
from superspire.instruments import BANDS, PAPER_BANDS, SPIRE, TARGET
from superspire.io import read_map, write_table
from superspire.seeds import stream
from superspire.sky.beam_files import read_beam
from superspire.sky.beams import beam_of
from superspire.sky.maps import field_wcs, make_map
from superspire.sky.noise import add_noise

CENTER = (150.0, 2.0)
SIDE = 600.0
SHARING = 2e-4
"""Error of the profile, in units of the peak, from sharing sources among cells."""
OFF = {
    "spire_beams": "gaussian",
    "scuba2_beam": "gaussian",
    "scuba2_filter": None,
    "cirrus": 0.0,
    "cirrus_slope": -2.9,
    "cirrus_temperature": 19.7,
    "noise_knee": None,
    "noise_slope": -2.0,
    "depth": {},
}


def one_source(band, shift=0.5, side=SIDE, **options):
    ra, dec = CENTER[0] + shift / 3600.0, CENTER[1] - shift / 3600.0
    image = make_map(
        np.array([ra]), np.array([dec]), np.array([10.0]), band, CENTER, side, **options
    )
    return image, image.wcs.wcs_world2pix(ra, dec, 0)


def lattice(n=2000):
    """Sources that fill the field evenly, with fluxes between 1 and 10 mJy."""
    i = np.arange(n)
    ra = CENTER[0] + 0.16 * (i * 0.6180339887498949 % 1 - 0.5)
    dec = CENTER[1] + 0.16 * ((i + 0.5) / n - 0.5)
    return ra, dec, 1 + (i * 0.37) % 9


def integrated(profile, shape, position, pixel, steps=5):
    """Average a function of x and y [arcsec] over the pixels by Gauss-Legendre."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    y, x = np.indices(shape, float)
    total = np.zeros(shape)
    for dy, wy in zip(nodes / 2, weights / 2, strict=True):
        for dx, wx in zip(nodes / 2, weights / 2, strict=True):
            total += (wx * wy) * profile(
                (x + dx - position[0]) * pixel, (y + dy - position[1]) * pixel
            )
    return total


def gaussians(components):
    def profile(x, y):
        square = x**2 + y**2
        return sum(a * np.exp(-4 * np.log(2) * square / f**2) for f, a in components)

    return profile


def kite(x, y):
    """A beam of unit peak that is neither round nor symmetric; x goes west."""
    core = np.exp(-4 * np.log(2) * (x**2 / 17.0**2 + y**2 / 20.0**2))
    wing = np.exp(-4 * np.log(2) * ((x - 40.0) ** 2 + (y - 60.0) ** 2) / 24.0**2)
    return core + 0.1 * wing


KITE_AREA = np.pi / (4 * np.log(2)) * (17.0 * 20.0 + 0.1 * 24.0**2)


@pytest.fixture
def kite_beam(tmp_path):
    def write(step):
        n = 2 * round(120 / step) + 1
        y, x = (np.indices((n, n)) - n // 2) * step
        header = fits.Header({"CDELT1": -step / 3600, "CDELT2": step / 3600})
        path = tmp_path / "kite.fits"
        fits.writeto(path, 5.0 * kite(x, y), header, overwrite=True)
        return read_beam(path, 250)

    return write


@pytest.mark.parametrize("band", PAPER_BANDS)
@pytest.mark.parametrize("shift", [0.0, 0.4, 3.3])
def test_point_source_is_the_beam_integrated_over_the_pixels(band, shift):
    image, position = one_source(band, shift)
    profile = gaussians([(BANDS[band].fwhm, 10.0)])
    expected = integrated(profile, image.data.shape, position, BANDS[band].pixel)
    level = (image.data - expected).mean()
    assert np.abs(image.data - level - expected).max() < SHARING * 10.0


@pytest.mark.parametrize(
    ("band", "realism"),
    [
        (450, {"scuba2_beam": "two_component"}),
        *((band, {"spire_beams": "extended"}) for band in SPIRE),
    ],
)
def test_source_shows_the_whole_beam(band, realism):
    beam = beam_of(band, realism)
    image, position = one_source(band, beam=beam)
    profile = gaussians(beam.components)
    pixel = BANDS[band].pixel
    expected = integrated(profile, image.data.shape, position, pixel)
    above = image.data / 10.0 - (image.data / 10.0 - expected).mean()
    assert np.abs(above - expected).max() < SHARING
    assert above.sum() == pytest.approx(expected.sum(), rel=2e-3)


@pytest.mark.parametrize("band", PAPER_BANDS)
def test_encircled_flux_is_the_effective_area(band):
    realism = {"spire_beams": "extended", "scuba2_beam": "two_component"}
    side = max(900.0, 60.0 * BANDS[band].fwhm)
    image, position = one_source(band, side=side, beam=beam_of(band, realism))
    y, x = np.indices(image.data.shape)
    apart = np.hypot(x - position[0], y - position[1]) * BANDS[band].pixel
    level = np.median(image.data[apart > 0.45 * side])
    total = (image.data - level)[apart < 0.4 * side].sum() * BANDS[band].pixel ** 2
    assert total / 10.0 == pytest.approx(BANDS[band].effective_area, rel=0.005)


@pytest.mark.parametrize("step", [1.0, 2.7, 6.0])
def test_source_shows_the_beam_of_a_file(kite_beam, step):
    beam = kite_beam(step)
    image, position = one_source(250, 1.7, beam=beam)
    expected = integrated(kite, image.data.shape, position, 6.0)
    above = image.data / 10.0 - (image.data / 10.0 - expected).mean()
    assert np.abs(above - expected).max() < SHARING
    assert above.sum() * 36.0 == pytest.approx(KITE_AREA, rel=0.01)
    assert beam.area == pytest.approx(KITE_AREA, rel=0.01)


def test_beam_of_a_file_is_not_mirrored(kite_beam):
    """The wing is 40 arcsec to the west and 60 to the north of the peak."""
    image, _ = one_source(250, 0.0, beam=kite_beam(2.0))
    image.data[43:57, 43:57] = -np.inf
    y, x = np.unravel_index(image.data.argmax(), image.data.shape)
    ra, dec = image.wcs.wcs_pix2world(x, y, 0)
    assert (CENTER[0] - ra) * 3600 == pytest.approx(40.0, abs=3.1)
    assert (dec - CENTER[1]) * 3600 == pytest.approx(60.0, abs=3.1)


@pytest.mark.parametrize("kind", ["gaussian", "two_component"])
def test_filtered_source_has_its_peak_a_negative_ring_and_no_total(kind):
    plain = beam_of(450, {"scuba2_beam": kind})
    beam = plain.high_passed(80.0)
    image, position = one_source(450, 0.0, side=501.0, beam=beam)
    expected = integrated(gaussians(beam.components), image.data.shape, position, 1.0)
    assert np.abs(image.data / 10.0 - expected).max() < SHARING
    assert image.data.max() == pytest.approx(10.0, rel=0.02)
    y, x = np.indices(image.data.shape)
    ring = np.abs(np.hypot(x - position[0], y - position[1]) - 30.0) < 2.0
    closed = gaussians(beam.components)(30.0, 0.0)
    assert image.data[ring].mean() / 10.0 == pytest.approx(closed, rel=0.02)
    assert closed < -0.005
    assert abs(image.data.sum()) < 1e-3 * np.abs(image.data).sum()


def test_filter_is_the_subtraction_of_a_smoothed_map():
    rng = np.random.default_rng(2)
    ra, dec = (c + rng.uniform(-0.08, 0.08, 4000) for c in CENTER)
    flux = rng.pareto(2.0, 4000)
    plain = make_map(ra, dec, flux, 450, CENTER, SIDE).data
    filtered = make_map(
        ra, dec, flux, 450, CENTER, SIDE, beam_of(450, {"scuba2_filter": 60.0})
    ).data
    smooth = ndimage.gaussian_filter(plain, 60.0 / 2.3548200450309493)
    expected = (plain - smooth) * (1 + (7.9 / 60.0) ** 2)
    inner = (slice(100, -100), slice(100, -100))
    difference = (filtered - expected)[inner]
    assert difference.std() < 1e-3 * plain.std()


def test_filter_leaves_no_step_at_the_edge():
    rng = np.random.default_rng(3)
    ra, dec = (c + rng.uniform(-0.084, 0.084, 40000) for c in CENTER)
    beam = beam_of(450, {"scuba2_filter": 100.0})
    image = make_map(ra, dec, np.full(40000, 0.1), 450, CENTER, SIDE, beam).data
    edge = np.concatenate(
        [image[20:40, 40:-40].ravel(), image[-40:-20, 40:-40].ravel()]
    )
    lost = 0.1 * 40000 / 604.8**2 * 70.7
    assert abs(edge.mean() - image[200:400, 200:400].mean()) < 0.05 * lost


@pytest.mark.parametrize("band", PAPER_BANDS)
def test_flux_is_conserved(band):
    image, _ = one_source(band, 0.7)
    corner = image.data[:3, :3].mean()
    total = (image.data - corner).sum() * BANDS[band].pixel ** 2
    area = 2 * np.pi * BANDS[band].sigma ** 2
    assert total / area == pytest.approx(10.0, rel=2e-3)


@pytest.mark.parametrize(
    ("band", "realism"), [(250, {}), (450, {"scuba2_filter": 40.0}), (250, "file")]
)
def test_strips_do_not_show(monkeypatch, kite_beam, band, realism):
    beam = kite_beam(3.0) if realism == "file" else beam_of(band, realism)
    rng = np.random.default_rng(3)
    n = int(SIDE / BANDS[band].pixel)
    foreground = rng.standard_normal((n, n)).astype(np.float32)
    sources = (*lattice(), band, CENTER, SIDE, beam, foreground)
    whole = make_map(*sources)
    monkeypatch.setattr("superspire.sky.maps.STRIP", 70)
    strips = make_map(*sources)
    assert np.allclose(whole.data, strips.data, atol=2e-4)


def test_foreground_is_added_as_an_array_or_by_rows(monkeypatch):
    monkeypatch.setattr("superspire.sky.maps.STRIP", 64)
    rng = np.random.default_rng(4)
    sky = 3.0 + rng.standard_normal((100, 100)).astype(np.float32)
    calls = []

    def rows(first, stop, n, pixel):
        calls.append((first, stop, n, pixel))
        return sky[first:stop]

    plain, array, called = (
        make_map(*lattice(), 250, CENTER, SIDE, foreground=given).data
        for given in (None, sky, rows)
    )
    assert np.array_equal(array, called)
    np.testing.assert_allclose(array - plain, sky - sky.mean(), atol=1e-5)
    assert abs(array.mean(dtype=float)) < 1e-5
    assert [call[:2] for call in calls] == [
        (first, min(first + 21, 100)) for first in range(0, 100, 21)
    ]
    assert calls[0][2:] == (100, 6.0)


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(sorted(PAPER_BANDS)),
    st.floats(0.01, 100.0),
    st.lists(
        st.tuples(st.floats(-0.02, 0.02), st.floats(-0.02, 0.02), st.floats(0.1, 50)),
        min_size=1,
        max_size=5,
    ),
)
def test_map_is_linear_in_the_fluxes(band, factor, sources):
    x, y, flux = np.array(sources).T
    place = (CENTER[0] + x, CENTER[1] + y)
    together = make_map(*place, factor * flux, band, CENTER, 120.0).data
    apart = sum(
        make_map(*(c[i : i + 1] for c in (*place, flux)), band, CENTER, 120.0).data
        for i in range(len(flux))
    )
    scale = factor * flux.sum()
    np.testing.assert_allclose(together, factor * apart, atol=1e-5 * scale)
    assert abs(together.mean()) < 1e-6 * scale


def test_bands_are_aligned():
    positions = []
    for band in (*SPIRE, TARGET):
        image, _ = one_source(band, 2.2)
        above = np.clip(image.data - np.median(image.data), 0, None) ** 2
        y, x = np.indices(above.shape)
        centroid = [(axis * above).sum() / above.sum() for axis in (x, y)]
        positions.append(image.wcs.wcs_pix2world(*centroid, 0))
    offsets = (np.array(positions) - positions[-1]) * 3600.0
    assert np.abs(offsets).max() < 0.1


def test_field_without_a_pixel_is_refused():
    with pytest.raises(InputError, match="smaller than a pixel of 12"):
        make_map(*lattice(5), 500, CENTER, 11.0)


@pytest.fixture
def observe(tmp_path):
    """Run the script on the lattice and read its maps and headers."""
    ra, dec, flux = lattice()
    columns = {"RA": ra, "DEC": dec} | {f"S{band}": flux for band in PAPER_BANDS}
    table = Table(columns, meta={"RA0": CENTER[0], "DEC0": CENTER[1]})
    table.meta["AREA"] = (SIDE / 3600.0) ** 2
    write_table(tmp_path / "catalogue.fits", table)
    script = importlib.import_module("make_maps")

    def run(noise=0.0, sky="simulated_0", **realism):
        depth = {}
        for band, path in realism.get("depth", {}).items():
            error, pixel = read_depth(path, int(band))
            depth[band] = tmp_path / f"depth_{band}.npz"
            np.savez(depth[band], error=error, pixel=pixel)
        output = [tmp_path / f"{band}.fits" for band in PAPER_BANDS]
        script.main(
            SimpleNamespace(
                input=SimpleNamespace(catalogue=tmp_path / "catalogue.fits"),
                output=output,
                wildcards=SimpleNamespace(sky=sky),
                resources=SimpleNamespace(tmpdir=tmp_path),
                threads=1,
                params=SimpleNamespace(
                    renderer="model",
                    seed=1,
                    noise={str(band): noise for band in PAPER_BANDS},
                    realism=OFF | realism,
                    beams=OFF | realism,
                    depth=depth,
                ),
            )
        )
        maps = {b: read_map(p) for b, p in zip(PAPER_BANDS, output, strict=True)}
        return maps, {
            b: fits.getheader(p) for b, p in zip(PAPER_BANDS, output, strict=True)
        }

    return run


def test_script_makes_the_default_maps_and_says_no_more_than_it_did(observe):
    maps, headers = observe(2.0)
    for band in PAPER_BANDS:
        expected = make_map(*lattice(), band, CENTER, SIDE).data
        beam = beam_of(TARGET) if band == TARGET else None
        rng = stream(1, "noise", "simulated_0", band)
        add_noise(expected, 2.0, rng, BANDS[band].pixel, beam=beam)
        np.testing.assert_allclose(maps[band].data, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(maps[band].wcs.wcs.crval, CENTER)
        extra = set(headers[band]) - set(field_wcs(CENTER, SIDE, 6.0)[0].to_header())
        assert not extra & {"BEAM", "FILTER", "CIRRUS", "KNEE", "DEPTH"}
        assert headers[band]["NOISE"] == 2.0
        point_source = "point source" in headers[band].comments["NOISE"]
        assert point_source == (band == TARGET)
        assert headers[band]["WAVELNTH"] == band


def test_script_records_what_is_on(observe, tmp_path):
    wcs, n = field_wcs(CENTER, SIDE, 6.0)
    header = wcs.to_header()
    header["BUNIT"] = "Jy/beam"
    hdus = [
        fits.PrimaryHDU(),
        fits.ImageHDU(np.zeros((n, n)) + 1e-3, header, "image"),
        fits.ImageHDU(np.full((n, n), 4e-3), header, "error"),
    ]
    depth = tmp_path / "tiefe_ä.fits"
    fits.HDUList(hdus).writeto(depth)
    _, headers = observe(
        2.0,
        spire_beams="extended",
        scuba2_filter=100.0,
        cirrus=0.5,
        noise_knee=3.0,
        depth={"250": str(depth)},
    )
    assert [headers[band].get("BEAM") for band in PAPER_BANDS] == [
        None if band == TARGET else "extended" for band in PAPER_BANDS
    ]
    assert [band for band in PAPER_BANDS if "FILTER" in headers[band]] == [TARGET]
    assert all(headers[band]["CIRRUS"] == 0.5 for band in PAPER_BANDS)
    assert all(headers[band]["KNEE"] == 3.0 for band in PAPER_BANDS)
    assert headers[250]["DEPTH"] == "tiefe_?.fits"
    assert headers[250]["NOISE"] == pytest.approx(4.0)
    assert headers[500]["NOISE"] == 2.0
    assert headers[250]["BMAJ"] == pytest.approx(18.1 / 3600)


def test_script_takes_cirrus_and_noise_from_their_own_streams(observe):
    """Each switch adds what its stream draws and leaves the rest as it was."""
    plain, _ = observe(2.0)
    cloudy, _ = observe(2.0, cirrus=1.0)
    drifting, _ = observe(2.0, noise_knee=2.0)
    other, _ = observe(2.0, sky="simulated_1", cirrus=1.0, noise_knee=2.0)
    clouds = {b: cloudy[b].data - plain[b].data for b in (250, 350)}
    same = [
        clouds[b][:: len(clouds[b]) // 5, :: len(clouds[b]) // 5][:5, :5].ravel()
        for b in clouds
    ]
    assert np.corrcoef(*same)[0, 1] > 0.95
    expected = np.zeros_like(plain[500].data)
    add_noise(
        expected,
        2.0,
        stream(1, "noise", "simulated_0", 500),
        12.0,
        2.0,
        drift_rng=stream(1, "drift", "simulated_0", 500),
    )
    calm = make_map(*lattice(), 500, CENTER, SIDE).data
    np.testing.assert_allclose(drifting[500].data - calm, expected, atol=1e-4)
    assert not np.allclose(other[250].data, cloudy[250].data, atol=0.5)
