"""Beams against closed forms and against what is written in a file."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from scipy import fft, ndimage
from scipy.optimize import minimize

from superspire.errors import InputError
from superspire.instruments import BANDS, PAPER_BANDS, SPIRE
from superspire.sky import beams
from superspire.sky.beam_files import read_beam

NEPTUNE = Path(__file__).parents[4] / "shared/real/beams/SPIRE_250_Small.fits.gz"
ELLIPSES = (
    (1.0, (0.0, 0.0), 18.0, 16.0, 30.0),
    (0.25, (6.0, 9.0), 24.0, 15.0, 100.0),
    (0.05, (-25.0, 10.0), 40.0, 40.0, 0.0),
)
"""Height, centre to the west and north, two FWHM [arcsec] and angle [deg] of each."""


SADDLE = np.pad(
    np.outer(2.0 ** (-0.1 * np.arange(-4, 5) ** 2), 1 + 0.01 * np.arange(-4, 5) ** 2), 1
)


def shapes(scale):
    """Inverse covariance of each ellipse, whose sizes are multiplied by a scale."""
    for height, centre, major, minor, angle in ELLIPSES:
        turn = np.radians(angle)
        axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        sigma = scale * np.array([major, minor]) / 2.3548200450309493
        yield height, scale * np.array(centre), axes @ np.diag(sigma**2) @ axes.T


def lopsided(west, north, scale=1.0):
    """A beam without any symmetry, at offsets on the sky [arcsec]."""
    total = 0.0
    for height, (west0, north0), covariance in shapes(scale):
        position = np.stack(np.broadcast_arrays(west - west0, north - north0), axis=-1)
        inverse = np.linalg.inv(covariance)
        square = np.einsum("...i,ij,...j", position, inverse, position)
        total = total + height * np.exp(-0.5 * square)
    return total


def lopsided_peak(scale=1.0):
    """Place and height of its peak."""
    found = minimize(lambda x: -lopsided(*x, scale), [0.0, 0.0], tol=1e-10)
    return found.x, -found.fun


def lopsided_transfer(ky, kx, scale=1.0):
    """Its Fourier transform about the peak, for a unit peak [arcsec²]."""
    peak, top = lopsided_peak(scale)
    k = np.stack(np.broadcast_arrays(kx, ky[:, None]), axis=-1)
    total = 0.0
    for height, centre, covariance in shapes(scale):
        square = np.einsum("...i,ij,...j", k, covariance, k)
        area = 2 * np.pi * np.sqrt(np.linalg.det(covariance))
        phase = np.exp(-2j * np.pi * (k @ (centre - peak)))
        total = total + height * area * phase * np.exp(-2 * np.pi**2 * square)
    return total / top


def sky_header(step, angle=0.0, mirrored=False, style="cdelt"):
    """Header of an image with pixels of some arcsec, turned on the sky."""
    turn = np.radians(angle)
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = axes @ np.diag([step if mirrored else -step, step]) / 3600.0
    header = fits.Header()
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    header["CRVAL1"], header["CRVAL2"] = 30.0, 60.0
    if style == "cd":
        for i in (0, 1):
            for j in (0, 1):
                header[f"CD{i + 1}_{j + 1}"] = matrix[i, j]
    else:
        header["CDELT1"], header["CDELT2"] = matrix[0, 0], matrix[1, 1]
    return header


def beam_file(path, step=2.0, half=120.0, shift=(0.3, -0.4), scale=1.0, **sky):
    """Write the lopsided beam, in any unit and between the pixels."""
    header = sky_header(step, **sky)
    n = 2 * round(half / step) + 1
    x, y = np.meshgrid(*2 * [np.arange(n) - n // 2])
    east, north = np.einsum(
        "ij,jyx->iyx", WCS(header).pixel_scale_matrix * 3600.0, [x + shift[0], y]
    )
    image = 7.3 * lopsided(-east, north - shift[1] * step, scale)
    fits.writeto(path, image, header, overwrite=True)
    return path


def profile(beam, n=256, step=2.0):
    """Image of a beam by the inverse transform."""
    ky, kx = fft.fftfreq(n, step), fft.rfftfreq(n, step)
    image = fft.irfft2(beam.transfer(ky, kx) / step**2, (n, n))
    return fft.fftshift(image)


@pytest.mark.parametrize("band", PAPER_BANDS)
def test_default_beams_are_those_of_table_1(band):
    beam = beams.beam_of(band)
    assert beam.components == ((BANDS[band].fwhm, 1.0),)
    assert beam.fwhm == BANDS[band].fwhm
    assert beam.reach == pytest.approx(2.5 * beam.fwhm)
    assert not beam.high_pass


@pytest.mark.parametrize("band", [24, 100, 160, 850])
def test_other_bands_are_gaussian_whatever_is_asked_of_spire(band):
    for kind in ("gaussian", "extended", {"250": "a.npz"}):
        beam = beams.beam_of(band, {"spire_beams": kind, "scuba2_filter": 30.0})
        assert beam.components == ((BANDS[band].fwhm, 1.0),)
        assert not beam.high_pass


def test_missing_and_empty_keys_mean_defaults():
    empty = {"spire_beams": None, "scuba2_beam": None, "scuba2_filter": None}
    for band in PAPER_BANDS:
        assert beams.beam_of(band, empty) == beams.beam_of(band, {})


@pytest.mark.parametrize("band", SPIRE)
def test_extended_beams_have_the_true_areas(band):
    beam = beams.beam_of(band, {"spire_beams": "extended"})
    fwhm, height = np.transpose(beam.components)
    assert beam.area == pytest.approx(BANDS[band].effective_area, rel=1e-9)
    assert fwhm == pytest.approx(BANDS[band].fwhm * np.array([1.0, 3.0, 10.0]))
    assert height.sum() == pytest.approx(1.0)
    assert 0.97 < height[0] < 0.99
    errors = (height * fwhm**2)[1:]
    assert errors / errors.sum() == pytest.approx([0.6, 0.4])


def test_spire_choices_leave_scuba2_alone_and_the_other_way_round():
    realism = {"spire_beams": "extended", "scuba2_filter": 200.0}
    assert beams.beam_of(450, {"spire_beams": "extended"}) == beams.beam_of(450)
    assert not beams.beam_of(250, realism).high_pass


def test_two_component_beam_is_that_of_dempsey():
    beam = beams.beam_of(450, {"scuba2_beam": "two_component"})
    assert beam.components == ((7.9, 0.94), (25.0, 0.06))
    assert beam.area == pytest.approx(BANDS[450].effective_area, rel=0.01)


@pytest.mark.parametrize(
    "realism",
    [
        {},
        {"scuba2_beam": "two_component"},
        {"scuba2_beam": "two_component", "scuba2_filter": 60.0},
    ],
)
def test_transfer_is_the_fourier_transform_of_the_profile(realism):
    beam = beams.beam_of(450, realism)
    x = (np.arange(256) - 128) * 2.0
    square = x**2 + x[:, None] ** 2
    expected = sum(
        a * np.exp(-4 * np.log(2) * square / fwhm**2) for fwhm, a in beam.components
    )
    assert np.abs(profile(beam) - expected).max() < 1e-5
    assert beam.transfer(np.zeros(1), np.zeros(1)) == pytest.approx(beam.area, abs=1e-4)
    assert beam.transfer(np.zeros(3), np.zeros(2)).dtype == np.float32


@given(
    st.lists(st.tuples(st.floats(3, 60), st.floats(0.05, 1)), min_size=1, max_size=3),
    st.floats(20, 1000),
)
def test_high_pass_has_unit_peak_zero_total_and_a_negative_ring(parts, scale):
    norm = sum(a for _, a in parts)
    plain = beams.GaussianBeam(tuple((f, a / norm) for f, a in parts), 10.0)
    beam = plain.high_passed(scale)
    assert sum(a for _, a in beam.components) == pytest.approx(1.0)
    assert abs(beam.area) < 1e-9 * plain.area
    assert beam.high_pass
    wide = max(f for f, _ in beam.components)
    at_ring = sum(a * 2.0 ** (-4 * (wide / f) ** 2) for f, a in beam.components)
    assert at_ring < 0
    k = np.geomspace(1e-5, 1, 60)
    closed = plain.transfer(k, np.zeros(1))[:, 0] * -np.expm1(
        -2 * (np.pi * scale / 2.3548200450309493 * k) ** 2
    )
    ratio = beam.transfer(k, np.zeros(1))[:, 0] / plain.area
    peak = sum(a / norm * scale**2 / (f**2 + scale**2) for f, a in parts)
    np.testing.assert_allclose(ratio, closed / plain.area / peak, atol=3e-6 / peak)


def test_high_pass_is_the_subtraction_of_a_smoothed_map():
    plain = beams.beam_of(450, {"scuba2_beam": "two_component"})
    image = profile(plain, 512)
    smooth = ndimage.gaussian_filter(image, 80.0 / 2.3548200450309493 / 2.0, truncate=8)
    expected = (image - smooth) / (image - smooth).max()
    filtered = profile(plain.high_passed(80.0), 512)
    assert np.abs(filtered - expected).max() < 1e-4
    assert filtered.min() < -0.005


@given(st.floats(3, 300), st.floats(1e-6, 1.0))
def test_gaussians_end_where_nothing_is_left(fwhm, amplitude):
    beam = beams.GaussianBeam(((fwhm, amplitude),), fwhm)
    left = amplitude * 2.0 ** (-4 * (beam.reach / fwhm) ** 2)
    assert left == pytest.approx(2.0**-25, rel=1e-6)


@pytest.mark.parametrize(
    ("step", "sky"),
    [
        (1.0, {}),
        (3.3, {"style": "cd"}),
        (6.0, {"shift": (0.5, 0.5)}),
        (2.0, {"mirrored": True}),
        (2.0, {"style": "cd", "angle": 35.0}),
        (2.0, {"style": "cd", "angle": -90.0}),
        (2.0, {"style": "cd", "angle": 120.0, "mirrored": True}),
    ],
)
def test_beam_of_a_file_is_laid_on_the_sky(tmp_path, step, sky):
    beam = read_beam(beam_file(tmp_path / "beam.fits", step, **sky), 250)
    ky = np.linspace(-0.04, 0.04, 17)
    kx = np.linspace(0.0, 0.04, 9)
    expected = lopsided_transfer(ky, kx)
    transfer = beam.transfer(ky, kx)
    assert transfer.dtype == np.complex64
    assert np.abs(transfer - expected).max() < 0.01 * expected[8, 0].real
    assert beam.area == pytest.approx(expected[8, 0].real, rel=0.01)
    assert beam.fwhm == BANDS[250].fwhm


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(2.9, 12))
def test_peak_of_a_gaussian_is_found_between_the_pixels(row, column, fwhm):
    y, x = np.indices((41, 43)) - np.array([20 + row, 21 + column])[:, None, None]
    image = 3.0 * 2.0 ** (-4 * (x**2 + y**2) / fwhm**2)
    found = beams.locate_peak(image)
    np.testing.assert_allclose(found, [3.0, 20 + row, 21 + column], rtol=1e-9)


def test_noise_does_not_lift_the_peak():
    rng = np.random.default_rng(7)
    y, x = np.indices((101, 101)) - 50.0
    clean = 2.0 ** (-4 * (x**2 + y**2) / 18.0**2)
    noisy = clean + 0.02 * rng.standard_normal((40, *clean.shape))
    found = np.array([beams.locate_peak(image) for image in noisy])
    assert noisy.max(axis=(1, 2)).mean() > 1.015
    assert found[:, 0].mean() == pytest.approx(1.0, abs=0.006)
    assert found[:, 1:].mean() == pytest.approx(50.0, abs=0.05)
    assert found[:, 1:].std() < 0.1


def test_nothing_beyond_the_nyquist_frequency_of_the_image(tmp_path):
    beam = read_beam(beam_file(tmp_path / "beam.fits", 6.0), 250)
    k = np.array([0.0, 1 / 12 - 1e-6, 1 / 12 + 1e-6])
    assert (np.abs(beam.transfer(k, k)) > 0).tolist() == [
        [True, True, False],
        [True, True, False],
        [False, False, False],
    ]


def test_transfer_is_kept_for_the_same_frequencies_only(tmp_path):
    beam = read_beam(beam_file(tmp_path / "beam.fits"), 250)
    k = np.array([0.0, 0.01])
    first = beam.transfer(k, k)
    assert beam.transfer(k.copy(), k.copy()) is first
    assert beam.transfer(k, 2 * k)[0, 1] != first[0, 1]


def test_unknown_values_count_as_nothing(tmp_path):
    path = beam_file(tmp_path / "beam.fits")
    before = read_beam(path, 250).area
    image, header = fits.getdata(path, header=True)
    image[:3] = np.nan
    fits.writeto(path, image, header, overwrite=True)
    assert read_beam(path, 250).area == pytest.approx(before, rel=1e-3)


def test_first_image_of_two_dimensions_is_taken(tmp_path):
    path = tmp_path / "beam.fits"
    image, header = fits.getdata(beam_file(path), header=True)
    extensions = [
        fits.PrimaryHDU(),
        fits.ImageHDU(np.ones(5)),
        fits.ImageHDU(image[None], header),
        fits.ImageHDU(np.ones((9, 9)), header),
    ]
    fits.HDUList(extensions).writeto(path, overwrite=True)
    assert read_beam(path, 250).image.shape == image.shape


@pytest.mark.parametrize(
    ("card", "step"),
    [
        ("PIXSCALE =              0.0010 / [deg] Pixel scale", 3.6),
        ("PIXSCALE=   0.000555555555556 / [deg] Pixel scale", 2.0),
        ("PIXSCAL =                 3.0 / arcsec", 3.0),
        ("PIXSCAL1=               1.D-3", 3.6),
    ],
)
def test_pixel_scale_in_a_keyword_even_in_an_invalid_card(tmp_path, card, step):
    path = beam_file(tmp_path / "beam.fits", step)
    expected = read_beam(path, 250)
    image = fits.getdata(path)
    fits.writeto(path, image, overwrite=True)
    raw = path.read_bytes()
    end = raw.index(b"END" + b" " * 77)
    patched = raw[:end] + card.encode().ljust(80) + raw[end : end + 80]
    path.write_bytes(patched + raw[len(patched) :])
    beam = read_beam(path, 250)
    np.testing.assert_allclose(beam.step, expected.step, rtol=1e-6)
    assert beam.area == pytest.approx(expected.area, rel=1e-6)


def replaced(path, image=None, **cards):
    """Write the beam with another image or other cards."""
    old, header = fits.getdata(beam_file(path), header=True)
    header.update(cards)
    fits.writeto(path, old if image is None else image, header, overwrite=True)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_text("no FITS"), "expected a whole FITS file"),
        (
            lambda path: fits.writeto(path, np.ones(3)),
            r"spire_beams.250: expected an image of a beam .*no HDU",
        ),
        (
            lambda path: fits.writeto(path, np.eye(9)),
            r"spire_beams.250: expected a pixel scale .*found none",
        ),
        (lambda path: replaced(path, CDELT1=0.0), "found none"),
        (lambda path: beam_file(path, 7.0), "at most 6.24 arcsec.*found 7 arcsec"),
        (lambda path: replaced(path, -np.ones((9, 9))), "expected a positive peak"),
        (lambda path: replaced(path, np.full((9, 9), np.nan)), "positive peak"),
        (lambda path: replaced(path, np.ones((9, 9))), "positive peak"),
        (lambda path: replaced(path, SADDLE), "no peak there"),
        (lambda path: beam_file(path, scale=2.5), "FWHM 18.1 .*found 4"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path, damage, message):
    path = tmp_path / "beam.fits"
    damage(path)
    with pytest.raises(InputError, match=message) as error:
        read_beam(path, 250)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("band", "realism", "message"),
    [
        (250, {"spire_beams": "airy"}, "realism.spire_beams: .*extended.*'airy'"),
        (350, {"spire_beams": {"250": "a"}}, "expected one of 250, found '350'"),
        (450, {"scuba2_beam": "none"}, "realism.scuba2_beam: .*found 'none'"),
    ],
)
def test_unknown_beams_are_refused(band, realism, message):
    with pytest.raises(InputError, match=message):
        beams.beam_of(band, realism)


def test_a_beam_that_was_saved_is_the_same(tmp_path):
    beam = read_beam(beam_file(tmp_path / "beam.fits"), 250)
    beams.save_beam(tmp_path / "250.npz", beam)
    again = beams.beam_of(250, {"spire_beams": {"250": tmp_path / "250.npz"}})
    k = np.linspace(0.0, 0.05, 7)
    assert np.array_equal(again.transfer(k, k), beam.transfer(k, k))
    assert (again.area, again.reach, again.fwhm) == (beam.area, beam.reach, beam.fwhm)


@pytest.mark.skipif(not NEPTUNE.is_file(), reason="no beam measured on Neptune")
def test_beam_measured_on_neptune():
    """Neptune's beam has 450 arcsec² (SPIRE Handbook); the mean slope's has 469."""
    beam = read_beam(NEPTUNE, 250)
    extended = beams.beam_of(250, {"spire_beams": "extended"})
    assert beam.area == pytest.approx(450.0, rel=0.01)
    assert extended.area / beam.area == pytest.approx(1.04, abs=0.02)
    square = beam.x**2 + beam.y[:, None] ** 2
    for radius in (15.0, 20.0, 30.0, 60.0, 120.0):
        measured = beam.image[square < radius**2].sum() / beam.area
        parts = [
            a * f**2 * -np.expm1(-np.log(2) * (2 * radius / f) ** 2)
            for f, a in extended.components
        ]
        model = 1.1330900354567985 * sum(parts) / extended.area
        assert model == pytest.approx(measured, abs=0.025), radius
