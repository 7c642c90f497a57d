"""Files of a super-resolved field, as other programs read them."""

import re
import shutil
import subprocess
import time
import tracemalloc
import warnings
from datetime import UTC, datetime

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.painted import paint
from superspire import storage
from superspire.io import append_image, read_table
from superspire.products.catalogue import COLUMNS, build_catalogue
from superspire.products.writing import (
    FLAGS,
    LABELS,
    LONGEST,
    add_checksums,
    dated_cards,
    write_catalogue,
    write_regions,
    write_superresolved,
)

CARDS = {
    "OBJECT": ("σ Ori's field", "field of the configuration"),
    "NETWORK": ("abc", "start of the sha256 of the network's weights"),
    "SEED": (3, "seed"),
    "INPUT250": ("a" * 80 + ".fits", "map at 250 um"),
    "INPUT350": ("b" * 60, "map at 350 um"),
    "SKY250": (-1.25, "[mJy/beam] constant subtracted from it"),
}
LEVEL, NOISE = 0.2, 0.7


@pytest.fixture
def product(painted_field, tmp_path):
    path = tmp_path / "superresolved.fits"
    write_superresolved(path, *painted_field, CARDS, level=LEVEL, noise=NOISE)
    return path


def test_map_signal_to_noise_and_coverage(product, painted_field):
    image, covered, _ = painted_field
    with fits.open(product) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus] == ["IMAGE", "SNR", "COVERAGE"]
        assert [hdu.header["BITPIX"] for hdu in hdus] == [-32, -32, 8]
        np.testing.assert_allclose(hdus[0].data * 1e3, image, rtol=1e-6)
        snr = (image - LEVEL) / NOISE
        np.testing.assert_allclose(hdus["SNR"].data, snr, rtol=1e-5, atol=1e-5)
        header = hdus["SNR"].header
        own = (hdus[0].data - header["LEVEL"]) / header["NOISE"]
        np.testing.assert_allclose(own, snr, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(hdus["COVERAGE"].data, covered.astype(int))


def test_units_beams_and_coordinates_of_all_images(product, wcs):
    with fits.open(product) as hdus:
        units = [hdu.header["BUNIT"] for hdu in hdus]
        for hdu in hdus[:2]:
            beam = [hdu.header[key] for key in ("BMAJ", "BMIN", "BPA")]
            assert beam == pytest.approx([7.9 / 3600, 7.9 / 3600, 0.0])
        assert "BMAJ" not in hdus["COVERAGE"].header
        for hdu in hdus:
            back = WCS(hdu.header)
            assert back.wcs.radesys == "ICRS"
            np.testing.assert_allclose(
                back.all_pix2world(10, 20, 0), wcs.all_pix2world(10, 20, 0), atol=1e-9
            )
    assert units == ["Jy/beam", "", ""]


def test_every_image_tells_what_made_it(product):
    with fits.open(product) as hdus:
        for hdu in hdus:
            assert hdu.header["CREATOR"].startswith("SuperSPIRE")
            assert hdu.header["OBJECT"] == "\\u03c3 Ori's field"
            for key in ("NETWORK", "SEED", "INPUT250", "INPUT350", "SKY250"):
                assert hdu.header[key] == CARDS[key][0]
            assert hdu.header.comments["SEED"] == "seed"


def test_a_file_is_the_same_in_strips_and_takes_the_place_of_another(
    product, painted_field, monkeypatch
):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    write_superresolved(product, *painted_field, CARDS, level=LEVEL, noise=NOISE)
    whole = product.read_bytes()
    for pixels in (1, 7 * painted_field[0].shape[1]):
        monkeypatch.setattr(storage, "STRIP", pixels)
        write_superresolved(product, *painted_field, CARDS, level=LEVEL, noise=NOISE)
        assert product.read_bytes() == whole
    assert fits.getheader(product, "SNR")["DATE"] == "1970-01-02T00:00:00"


def test_images_on_disk_are_written_as_those_in_memory(
    product, painted_field, monkeypatch, tmp_path
):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    monkeypatch.setattr(storage, "STRIP", 5 * painted_field[0].shape[1])
    image, covered, wcs = painted_field
    sigma = np.abs(image) + np.float32(0.5)
    write_superresolved(product, image, covered, wcs, CARDS, sigma=sigma)
    expected = product.read_bytes()
    stored = []
    for number, array in enumerate((image, covered, sigma)):
        path = tmp_path / f"{number}.raw"
        stored.append(storage.Storage(path, array.shape, array.dtype))
        stored[-1][:] = array
    image, covered, sigma = stored
    write_superresolved(product, image, covered, wcs, CARDS, sigma=sigma)
    assert product.read_bytes() == expected


def test_memory_does_not_grow_with_the_map(wcs, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "STRIP", 10_000)
    image = np.zeros((2000, 1000), np.float32)
    covered = np.ones(image.shape, bool)
    tracemalloc.start()
    try:
        write_superresolved(tmp_path / "s.fits", image, covered, wcs, {})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.2 * image.nbytes


def test_headers_have_room_for_the_checksums(tmp_path):
    path = tmp_path / "image.fits"
    header = fits.Header()
    for number in range(36):
        header[f"CARD{number}"] = number
        append_image(path, header, "f4", np.zeros((3, 4)))
    size = path.stat().st_size
    add_checksums(path)
    assert path.stat().st_size == size


@pytest.mark.parametrize("kind", ["map", "catalogue"])
def test_checksums_tell_of_a_changed_byte(kind, product, catalogue, tmp_path):
    path = product
    if kind == "catalogue":
        path = tmp_path / "catalogue.fits"
        write_catalogue(path, catalogue, COLUMNS, CARDS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(path, checksum=True) as hdus:
            assert all({"CHECKSUM", "DATASUM"} <= set(hdu.header) for hdu in hdus)
            position = hdus[1].fileinfo()["datLoc"] + 1000
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with (
        pytest.warns(UserWarning, match="verification failed"),
        fits.open(path, checksum=True) as hdus,
    ):
        assert len(hdus) > 1


def test_date_is_the_present_one(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    date, _ = dated_cards({})["DATE"]
    date = datetime.fromisoformat(date).replace(tzinfo=UTC)
    assert abs(date.timestamp() - time.time()) < 60


TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=["Cc", "Cs"]))


@settings(max_examples=200)
@example(value="abc&", repeat=20, comment="")
@given(value=TEXT, repeat=st.integers(1, 8), comment=st.sampled_from(["", "c" * 40]))
def test_every_text_fits_on_its_cards(value, repeat, comment):
    value = repeat * value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cards = dated_cards({"INPUT250": (value, comment)})
        header = fits.Header()
        header.update(cards)
        text = header.tostring()
        back = fits.Header.fromstring(text)
    expected = value.encode("ascii", "backslashreplace").decode().rstrip()
    size = len(expected) + expected.count("'")
    if size > LONGEST:
        expected = re.sub("&$", r"\\x26", expected)
    assert back["INPUT250"] == expected
    assert ("LONGSTRN" in back) == (size > LONGEST)
    assert ("CONTINUE  " in text) == ("LONGSTRN" in back)


def test_catalogue_survives_its_file(catalogue, tmp_path):
    path = tmp_path / "catalogue.fits"
    write_catalogue(path, catalogue, COLUMNS, CARDS)
    back = read_table(path)
    assert back.colnames == catalogue.colnames
    for name in catalogue.colnames:
        np.testing.assert_array_equal(np.ma.filled(back[name], np.nan), catalogue[name])
        assert back[name].unit == catalogue[name].unit
    assert back.meta["NOISE"] == "local robust rms"
    assert back.meta["SEED"] == 3
    assert back.meta["INPUT250"] == CARDS["INPUT250"][0]
    assert back.meta["CREATOR"].startswith("SuperSPIRE")


def test_every_column_has_its_meaning(catalogue, tmp_path):
    path = tmp_path / "catalogue.fits"
    write_catalogue(path, catalogue, COLUMNS, CARDS)
    header = fits.getheader(path, "CATALOGUE")
    assert header["TFIELDS"] == len(COLUMNS)
    for number, (name, (ucd, text)) in enumerate(COLUMNS.items(), 1):
        assert header[f"TTYPE{number}"] == name
        assert header[f"TUCD{number}"] == ucd
        assert header[f"TCOMM{number}"] == text
        assert len(text) <= LONGEST


def test_empty_catalogue(wcs, tmp_path):
    image = np.zeros((100, 100), np.float32)
    table = build_catalogue(image, np.isfinite(image), wcs, threshold=5.0)
    write_catalogue(tmp_path / "c.fits", table, COLUMNS, CARDS)
    back = Table.read(tmp_path / "c.fits")
    assert len(back) == 0
    assert back.colnames == list(COLUMNS)
    write_regions(tmp_path / "r.reg", table)
    assert (tmp_path / "r.reg").read_text().splitlines()[-1] == "icrs"


@pytest.mark.skipif(not shutil.which("fitsverify"), reason="no fitsverify on the PATH")
def test_files_pass_fitsverify(product, catalogue, tmp_path):
    for name, table in (("full", catalogue), ("empty", catalogue[:0])):
        write_catalogue(tmp_path / f"{name}.fits", table, COLUMNS, CARDS)
    files = sorted(tmp_path.glob("*.fits"))
    assert len(files) == 3
    for file in files:
        verdict = subprocess.run(
            ["fitsverify", "-q", file], capture_output=True, text=True, check=False
        )
        assert verdict.stdout.startswith("verification OK"), verdict.stdout


def test_regions_have_numbers_fluxes_and_flags(catalogue, tmp_path):
    catalogue["NEAR_EDGE"] = [True, False, False]
    catalogue["EXTRAPOLATED"] = [False, True, False]
    catalogue["BLENDED"] = [False, True, False]
    write_regions(tmp_path / "r.reg", catalogue)
    lines = (tmp_path / "r.reg").read_text().splitlines()
    assert lines[2] == "icrs"
    positions, styles = zip(*(line.split(" # ") for line in lines[3:]), strict=True)
    assert positions == tuple(
        f'circle({row["RA"]:.6f},{row["DEC"]:.6f},5.0")' for row in catalogue
    )
    flux = [f"{value:.1f}" for value in catalogue["S450"]]
    assert styles == (
        f"text={{1: {flux[0]} mJy}} color=yellow tag={{NEAR_EDGE}}",
        f"text={{2: {flux[1]} mJy}} color=yellow dash=1 tag={{EXTRAPOLATED}} "
        "tag={BLENDED}",
        f"text={{3: {flux[2]} mJy}}",
    )


def test_regions_show_poor_fits_of_catalogues_that_have_them(catalogue, tmp_path):
    for flag in set(FLAGS) & set(catalogue.colnames):
        catalogue[flag] = False
    catalogue["POOR_FIT"] = [False, True, False]
    write_regions(tmp_path / "r.reg", catalogue)
    lines = (tmp_path / "r.reg").read_text().splitlines()[3:]
    assert ["color=yellow" in line for line in lines] == [False, True, False]
    assert lines[1].endswith("color=yellow tag={POOR_FIT}")
    assert "POOR_FIT" not in lines[0] + lines[2]


def test_only_the_brightest_regions_are_labelled(wcs, tmp_path):
    positions = np.mgrid[20:400:40, 20:400:40].reshape(2, -1)
    sources = np.column_stack([*positions, np.linspace(5.0, 50.0, positions.shape[1])])
    image = paint((400, 400), sources)
    table = build_catalogue(image, np.isfinite(image), wcs, threshold=5.0)
    assert len(table) == 100
    write_regions(tmp_path / "r.reg", table)
    lines = (tmp_path / "r.reg").read_text().splitlines()[3:]
    assert len(lines) == 100
    assert ["text=" in line for line in lines] == [True] * LABELS + [False] * 50
