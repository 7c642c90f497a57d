"""Folders and tar files of an observation, as the Herschel Science Archive has them."""

import gzip
import io
import tarfile

import numpy as np
import pytest

from helpers import layouts
from superspire.checks.inputs import read_observations
from superspire.errors import InputError
from superspire.instruments import SPIRE
from superspire.maps.archives import choose_map, file_of
from superspire.maps.reader import read_observation

OBSID = "1342190326"
ARRAYS = {250: "PSW", 350: "PMW", 500: "PLW"}


def archive_files(level="level2", kinds=("psrc", "extd", "hires")):
    """Names and contents of the files of an observation, maps among others."""
    files = {
        f"{OBSID}/auxiliary/hacms.fits.gz": b"",
        f"{OBSID}/level1/hspire_psw_timeline.fits.gz": b"",
        f"{OBSID}/{level}/._hspirepsw{OBSID}.fits": b"",
        f"{OBSID}/browse/psw.jpg": b"",
        f"{OBSID}.xml": b"",
    }
    for band, array in ARRAYS.items():
        for kind in kinds:
            code = {"psrc": "25pmp", "extd": "25pxmp", "hires": "25hires"}[kind]
            name = f"hspire{array.lower()}271_{code}_0328_{OBSID}_14624{band}.fits.gz"
            files[f"{OBSID}/{level}/{kind}{array}/{name}"] = (band, kind)
    return files


def content(folder, band, kind):
    """A map in the layout of the archive, whose level tells band and kind."""
    data = layouts.signal(seed=band) + (1000.0 if kind == "psrc" else 0.0)
    unit = "mJy/beam" if kind == "psrc" else "MJy/sr"
    cards = {"WAVELNTH": float(band), "DETECTOR": ARRAYS[band]}
    path = folder / f"{band}_{kind}.fits"
    if not path.exists():
        layouts.hsa(path, data, unit, **cards)
    return gzip.compress(path.read_bytes())


def filled(tmp_path, files):
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return {
        name: what if isinstance(what, bytes) else content(scratch, *what)
        for name, what in files.items()
    }


def as_folder(tmp_path, files):
    folder = tmp_path / "observation"
    for name, what in filled(tmp_path, files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(what)
    return folder


def as_tar(tmp_path, files, ending="tar"):
    path = tmp_path / f"{OBSID}.{ending}"
    mode = {"tar": "w", "tgz": "w:gz"}.get(ending, f"w:{ending.split('.')[-1]}")
    with tarfile.open(path, mode) as archive:
        for name, what in filled(tmp_path, files).items():
            member = tarfile.TarInfo(name)
            member.size = len(what)
            archive.addfile(member, io.BytesIO(what))
    return path


@pytest.mark.parametrize("level", ["level2", "level2_5", "level3"])
@pytest.mark.parametrize("ending", ["folder", "tar", "tar.gz", "tgz", "tar.xz"])
def test_the_map_of_each_band_is_found(tmp_path, level, ending):
    files = archive_files(level)
    if ending == "folder":
        source = as_folder(tmp_path, files)
    else:
        source = as_tar(tmp_path, files, ending)
    for band in SPIRE:
        read = read_observation(source, band, level="keep")
        expected = layouts.signal(seed=band) + 1000.0
        np.testing.assert_allclose(read.map.data[5:, :-4], expected[5:, :-4], rtol=1e-6)
        assert read.record["file"].startswith(f"hspire{ARRAYS[band].lower()}271_25pmp")
        assert read.record["found_in"] == str(source)


def test_maps_of_point_sources_and_higher_levels_come_first(tmp_path):
    names = [*archive_files("level2"), *archive_files("level2_5", ("extd",))]
    assert "level2_5/extdPSW" in choose_map("x", names, 250)
    names = [*archive_files("level2"), *archive_files("level2_5")]
    assert "level2_5/psrcPSW" in choose_map("x", names, 250)
    assert "level2/extdPLW" in choose_map("x", archive_files(kinds=("extd",)), 500)


def test_a_folder_of_ones_own(tmp_path):
    for name in ("GOODS-N_250.fits", "GOODS-N_250_error.fits", "GOODS-N_350.fits"):
        layouts.hatlas(tmp_path / name, layouts.signal())
    assert read_observation(tmp_path, 250).record["file"] == "GOODS-N_250.fits"
    layouts.hatlas(tmp_path / "other_250.fits", layouts.signal())
    with pytest.raises(
        InputError, match=r"found 2: GOODS-N_250\.fits, other_250\.fits"
    ):
        read_observation(tmp_path, 250)
    with pytest.raises(InputError, match="one FITS map of 500 µm, found none in 4"):
        read_observation(tmp_path, 500)


def test_one_archive_serves_all_bands(tmp_path):
    source = as_tar(tmp_path, archive_files())
    found = read_observations({f"map_{band}": str(source) for band in SPIRE}, {})
    assert {band: each.record["band"] for band, each in found.items()} == {
        band: band for band in SPIRE
    }
    assert len({each.record["sha256"] for each in found.values()}) == 1
    assert file_of(source, 250) == source
    folder = as_folder(tmp_path, archive_files())
    assert file_of(folder, 350).name.startswith("hspirepmw271_25pmp")


def read_all(source):
    return [read_observation(source, band) for band in SPIRE]


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_archives_that_are_cut_off(tmp_path, share):
    for ending in ("tar", "tgz"):
        source = as_tar(tmp_path, archive_files(), ending)
        whole = source.read_bytes()
        source.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError, match="expected") as caught:
            read_all(source)
        assert str(caught.value).startswith(str(source))
        assert "\n" not in str(caught.value)


def test_a_message_names_archive_and_file(tmp_path):
    source = as_tar(tmp_path, archive_files())
    with pytest.raises(InputError) as caught:
        read_observation(source, 250, unit="furlong")
    start = f"{source} ({OBSID}/level2/psrcPSW/hspirepsw271_25pmp"
    assert str(caught.value).startswith(start)
