"""SkyMaker as image maker, against the closed form of beams integrated over pixels."""

import sys
import textwrap

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import erf

from superspire.errors import InputError
from superspire.instruments import BANDS, FWHM_PER_SIGMA, PAPER_BANDS, SPIRE, TARGET
from superspire.sky import skymaker
from superspire.sky.beams import ImageBeam, beam_of
from superspire.sky.maps import field_wcs, make_map
from superspire.sky.skymaker import find_program, make_map_skymaker, psf_image

CENTER = (150.0, 2.0)

FAKE = """\
#!{python}
import array, os, shutil, sys

if sys.argv[1] == "-v":
    print("SkyMaker version 0.0.0")
    sys.exit()
keys = dict(line.split() for line in open(sys.argv[3]))
n = int(keys["IMAGE_SIZE"].split(",")[0])
image = array.array("f", bytes(4 * n * n))
for line in open(sys.argv[1]):
    code, x, y, magnitude = map(float, line.split())
    column, row = round(x) - 1, round(y) - 1
    if 0 <= row < n and 0 <= column < n:
        flux = 10 ** (0.4 * (float(keys["MAG_ZEROPOINT"]) - magnitude))
        image[row * n + column] += flux
image.byteswap()
cards = [("SIMPLE", "T"), ("BITPIX", -32), ("NAXIS", 2), ("NAXIS1", n), ("NAXIS2", n)]
header = "".join(f"{{key:8}}= {{value:>20}}".ljust(80) for key, value in cards)
header = (header + "END").ljust(2880).encode()
data = image.tobytes()
with open(keys["IMAGE_NAME"], "wb") as file:
    file.write(header + data + bytes(-len(data) % 2880))
with open("where", "w") as file:
    file.write(os.getcwd())
shutil.copytree(".", os.environ["KEPT"])
"""

try:
    find_program()
    MISSING = False
except InputError:
    MISSING = True

real = pytest.mark.skipif(MISSING, reason="neither sky nor skymaker is on the PATH")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a script on an otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("KEPT", str(tmp_path / "kept"))

    def put(text, name="sky"):
        path = folder / name
        path.write_text(textwrap.dedent(text).format(python=sys.executable))
        path.chmod(0o755)
        return path

    return put


@pytest.fixture
def fake(install, tmp_path):
    """Paint every source into one pixel, and keep the files of the run."""
    install(FAKE)
    return tmp_path / "kept"


def sky(band, x, y, n):
    """Positions on the sky of pixels of a map of n x n."""
    side = n * BANDS[band].pixel
    wcs, found = field_wcs(CENTER, side, BANDS[band].pixel)
    assert found == n
    return *wcs.wcs_pix2world(x, y, 0), side


def observe(maker, band, x, y, flux, n, **options):
    ra, dec, side = sky(band, x, y, n)
    return maker(ra, dec, np.asarray(flux), band, CENTER, side, **options).data


def integrated(band, x, y, flux, n, beam):
    """Zero-mean map of Gaussian beams integrated over the pixels."""
    edges = np.arange(n + 1) - 0.5
    image = np.zeros((n, n))
    for fwhm, amplitude in beam.components:
        sigma = fwhm / FWHM_PER_SIGMA / BANDS[band].pixel
        rows, columns = (
            sigma * np.sqrt(np.pi / 2) * np.diff(erf((edges - c) / sigma / 2**0.5))
            for c in (y[:, None], x[:, None])
        )
        image += amplitude * np.einsum("i,ij,ik->jk", flux, rows, columns)
    return image - image.mean()


def test_sources_keep_the_digits_that_they_need(tmp_path):
    @given(
        hnp.arrays(float, 3, elements=st.floats(1e-12, 1e6)),
        hnp.arrays(float, (2, 3), elements=st.floats(-1e3, 5e4)),
    )
    def round_trip(flux, position):
        path = tmp_path / "sources.txt"
        skymaker.write_sources(path, *position, flux)
        code, x, y, magnitude = np.loadtxt(path, unpack=True)
        assert (code == 100).all()
        np.testing.assert_allclose([x, y], position, atol=1e-6)
        np.testing.assert_allclose(10 ** (0.4 * (16.4 - magnitude)), flux, rtol=1e-7)

    round_trip()


def test_magnitudes_are_ab():
    millijansky = (1 * u.mJy).to_value(u.ABmag)
    assert abs(skymaker.ZERO_POINT - millijansky) < 1e-3


def test_configuration_adds_nothing_to_the_sources():
    text = skymaker.configuration(300, 12.0, 3)
    keys = dict(line.split() for line in text.splitlines())
    expected = {
        "IMAGE_SIZE": "300,300",
        "IMAGE_TYPE": "SKY_NONOISE",
        "PIXEL_SIZE": "12.0",
        "WELL_CAPACITY": "0",
        "AUREOLE_RADIUS": "0",
        "STARCOUNT_ZP": "0.0",
        "READOUT_NOISE": "0.0",
        "PSF_TYPE": "FILE",
        "NTHREADS": "3",
    }
    assert expected.items() <= keys.items()
    assert float(keys["SATUR_LEVEL"]) > 1e12
    background = 10 ** (0.4 * (float(keys["MAG_ZEROPOINT"]) - float(keys["BACK_MAG"])))
    assert background * 12.0**2 < 1e-25


@pytest.mark.parametrize("band", PAPER_BANDS)
def test_flux_becomes_flux_per_beam(fake, band):
    data = observe(make_map_skymaker, band, [30.0], [40.0], [5.0], 61)
    expected = np.zeros((61, 61))
    expected[40, 30] = 5.0 * beam_of(band).area / BANDS[band].pixel ** 2
    np.testing.assert_allclose(data, expected - expected.mean(), rtol=1e-5)
    assert data.dtype == np.float32


def test_run_has_the_sources_within_reach_and_the_beam(fake):
    n, band = 50, 500
    reach = beam_of(band).reach / BANDS[band].pixel
    x = np.array([10.3, -0.5 - 0.9 * reach, 3 * n, 20.0, 25.0])
    y = np.array([20.4, 0.0, 25.0, n + 0.9 * reach, 25.0])
    observe(make_map_skymaker, band, x, y, [1.0, 2.0, 3.0, 4.0, 0.0], n, threads=2)
    listed = np.loadtxt(fake / "sources.txt")
    np.testing.assert_allclose(
        listed[:, 1:3] - 1, np.column_stack([x, y])[[0, 1, 3]], atol=1e-5
    )
    psf = fits.getdata(fake / "psf.fits")
    keys = dict(line.split() for line in (fake / "sky.conf").read_text().splitlines())
    step = BANDS[band].pixel / float(keys["PSF_OVERSAMP"])
    assert psf.sum() * step**2 == pytest.approx(beam_of(band).area, rel=1e-5)
    assert psf.shape[0] * step > 2 * beam_of(band).reach
    assert keys["NTHREADS"] == "2"


def test_map_has_the_wcs_of_the_model(fake):
    ra, dec, side = sky(350, [5.0], [5.0], 20)
    arguments = ra, dec, np.ones(1), 350, CENTER, side
    ours, theirs = make_map(*arguments).wcs, make_map_skymaker(*arguments).wcs
    assert theirs.to_header() == ours.to_header()


def test_field_without_sources_is_empty(fake):
    data = observe(make_map_skymaker, 250, np.array([]), np.array([]), [], 20)
    assert (data == 0).all()


@pytest.mark.parametrize("whole", [True, False])
def test_foreground_is_added(fake, tmp_path, monkeypatch, whole):
    monkeypatch.setattr(skymaker, "STRIP", 7)
    n = 20
    foreground = np.arange(n * n, dtype=np.float32).reshape(n, n)

    def rows(first, stop, pixels, pixel):
        assert (pixels, pixel) == (n, BANDS[250].pixel)
        return foreground[first:stop]

    given_as = foreground if whole else rows
    data = observe(make_map_skymaker, 250, [-900], [0], [1], n, foreground=given_as)
    np.testing.assert_allclose(data, foreground - foreground.mean(), rtol=1e-6)


def test_files_of_the_run_are_temporary(fake, tmp_path):
    folder = tmp_path / "with a space"
    folder.mkdir()
    observe(make_map_skymaker, 250, [5.0], [5.0], [1.0], 20, directory=folder)
    assert (fake / "where").read_text().startswith(f"{folder}/")
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", ["sky", "skymaker"])
def test_program_is_found_by_either_name(install, name):
    program = install(FAKE, name)
    assert find_program() == str(program)


def test_other_programs_called_sky_are_passed_over(install):
    other = install("#!/bin/sh\necho SkyPilot 0.9\n")
    with pytest.raises(InputError, match=f"found {other}, not SkyMaker"):
        find_program()
    program = install(FAKE, "skymaker")
    assert find_program() == str(program)


def test_missing_program_is_told_where_to_get(install):
    message = r"github.com/astromatic/skymaker .* found neither; renderer: model"
    with pytest.raises(InputError, match=message):
        observe(make_map_skymaker, 250, [5.0], [5.0], [1.0], 20)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (r"printf '\033[1M> Loading\n> *Error*: no PSF\n\n' >&2; exit 1", "no PSF'$"),
        ("kill -9 $$", "exit status -9 and no message"),
        ("echo done", "exit status 0 and the last line 'done'"),
    ],
)
def test_failed_run_is_told_in_one_sentence(install, action, message):
    install(f'#!/bin/sh\n[ "$1" = -v ] && echo SkyMaker && exit\n{action}\n')
    with pytest.raises(InputError, match=message) as caught:
        observe(make_map_skymaker, 250, [5.0], [5.0], [1.0], 20)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("side", "flux", "message"),
    [
        (46341.0, 1.0, "at most 46340 pixels along a side, found 46341 at 450"),
        (0.5, 1.0, "smaller than a pixel"),
        (50.0, -1.5, "positive flux densities, found -1.5 mJy"),
        (50.0, np.nan, "found nan mJy"),
    ],
)
def test_impossible_maps_are_refused(fake, side, flux, message):
    position = np.array([CENTER[0]]), np.array([CENTER[1]])
    with pytest.raises(InputError, match=message):
        make_map_skymaker(*position, np.array([flux]), TARGET, CENTER, side)


def test_beam_without_area_is_refused(fake):
    beam = beam_of(TARGET, {"scuba2_filter": 30.0})
    with pytest.raises(InputError, match="scuba2_filter must be null"):
        observe(make_map_skymaker, TARGET, [5.0], [5.0], [1.0], 20, beam=beam)


WIDE = {"spire_beams": "extended", "scuba2_beam": "two_component"}


@pytest.mark.parametrize("realism", [None, WIDE])
@pytest.mark.parametrize("band", PAPER_BANDS)
def test_psf_is_the_beam_integrated_over_a_pixel(band, realism):
    beam, pixel, samples = beam_of(band, realism), BANDS[band].pixel, skymaker.SAMPLES
    psf = psf_image(beam, pixel)
    n, phase = psf.shape[0] // samples, (psf.shape[0] // 2) % samples
    coarse = psf[phase::samples, phase::samples]
    center = np.array([(coarse.shape[0] - 1) / 2])
    expected = integrated(band, center, center, [1.0], n + 1, beam)
    assert coarse.shape == expected.shape
    assert np.abs(coarse - coarse.mean() - expected).max() < 1e-5


def lopsided():
    """Make a beam with a long side that points north-east."""
    y, x = np.mgrid[-60:61, -60:61] * 2.0
    round_part = np.exp(-0.5 * (x**2 + y**2) / 8.0**2)
    tail = np.exp(-0.5 * ((x + 20) ** 2 + (y - 12) ** 2) / 15.0**2)
    return ImageBeam(round_part + 0.2 * tail, (2.0, 2.0), 18.1)


def scattered(n):
    """Place five sources at different places within a pixel, and two off the map."""
    x = n * np.array([0.1, 0.3, 0.5, 0.7, 0.9]) + [-0.5, -0.31, 0.0, 0.17, 0.49]
    y = n * np.array([0.5, 0.1, 0.9, 0.3, 0.7]) + [0.25, -0.5, 0.0, 0.42, -0.08]
    return np.append(x, [-1.3, n + 0.7]), np.append(y, [0.7 * n, 4.0])


@real
@pytest.mark.parametrize("realism", [None, WIDE])
@pytest.mark.parametrize("band", PAPER_BANDS)
def test_sources_agree_with_the_closed_form(band, realism):
    beam, n = beam_of(band, realism), 160
    x, y = scattered(n)
    flux = np.full(len(x), 7.0)
    data = observe(make_map_skymaker, band, x, y, flux, n, beam=beam)
    expected = integrated(band, x, y, flux, n, beam)
    assert np.abs(data - expected).max() < 0.004 * 7.0
    step = 1e-3
    for i in range(5):
        for along in (np.array([step, 0]), np.array([0, step])):
            ahead, behind = (
                integrated(band, x[[i]] + s[0], y[[i]] + s[1], [7.0], n, beam)
                for s in (along, -along)
            )
            slope = (ahead - behind) / (2 * step)
            shift = np.sum(slope * (data - expected)) / np.sum(slope**2)
            assert abs(shift) < 0.01


@real
@pytest.mark.parametrize("band", PAPER_BANDS)
def test_sources_agree_with_the_model(band):
    n = 160
    x, y = scattered(n)
    flux = np.full(len(x), 7.0)
    ours, theirs = (
        observe(maker, band, x, y, flux, n) for maker in (make_map, make_map_skymaker)
    )
    assert np.abs(theirs - ours).max() < 0.005 * 7.0


@real
@pytest.mark.parametrize("band", PAPER_BANDS)
def test_crowded_field_agrees_with_the_model(band):
    rng, n = np.random.default_rng(3), {TARGET: 700}.get(band, 150)
    x, y = rng.uniform(-10, n + 9, (2, 6000))
    flux = 0.02 * rng.uniform(size=6000) ** (-1 / 1.5)
    ours, theirs = (
        observe(maker, band, x, y, flux, n) for maker in (make_map, make_map_skymaker)
    )
    assert np.std(theirs - ours) < 0.01 * np.std(ours)


@real
def test_beam_from_an_image_keeps_its_orientation():
    x, y = np.array([40.2]), np.array([37.6])
    ours, theirs = (
        observe(maker, 250, x, y, [10.0], 80, beam=lopsided())
        for maker in (make_map, make_map_skymaker)
    )
    assert np.abs(theirs - ours).max() < 0.005 * 10.0
    assert np.abs(theirs[::-1, ::-1] - ours).max() > 0.1 * 10.0


@real
def test_threads_do_not_change_the_map():
    x, y = np.random.default_rng(4).uniform(0, 100, (2, 3000))
    flux = np.linspace(0.1, 1.0, 3000)
    one, two = (
        observe(make_map_skymaker, SPIRE[0], x, y, flux, 100, threads=threads)
        for threads in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


@real
def test_faint_source_beside_a_bright_one_is_not_lost():
    x, y = np.array([20.0, 60.0]), np.array([20.0, 60.0])
    data = observe(make_map_skymaker, TARGET, x, y, [1e4, 1e-2], 81)
    level = np.median(data)
    assert data[60, 60] - level == pytest.approx(1e-2, rel=0.05)
