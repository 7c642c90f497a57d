"""A download ends with the right file or with a sentence, whatever the server does."""

import gzip
import hashlib
import io
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits

from helpers.archive import serve
from superspire.downloads import check_content, download
from superspire.errors import InputError

SHORT = 0.15
PAGE = b"<!DOCTYPE html><html><body>We will be back soon.</body></html>" * 20


def observation(seed):
    """A small FITS file with an image and a mask."""
    rng = np.random.default_rng(seed)
    image = fits.ImageHDU(rng.normal(size=(60, 70)).astype(np.float32), name="image")
    mask = fits.ImageHDU(rng.integers(0, 2, (60, 70), np.uint8), name="flag")
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), image, mask]).writeto(buffer)
    return buffer.getvalue()


FIRST, SECOND = observation(1), observation(2)
HALF = len(FIRST) // 2


@pytest.fixture
def archive():
    with serve(FIRST) as archive:
        yield archive


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda _: None))
    return tmp_path / "data" / "cosmos" / "map.fits"


def get(archive, path, *arguments, **options):
    options = {"timeout": 5.0, **options}
    url = options.pop("url", f"{archive.url}/map.fits")
    return download(url, path, *arguments, **options)


def refused(match, *arguments, **options):
    """Expect one sentence, and nothing left behind."""
    with pytest.raises(InputError, match=match) as error:
        get(*arguments, **options)
    assert "\n" not in str(error.value)
    folder = arguments[1].parent
    assert not folder.is_dir() or not any(folder.iterdir())
    return str(error.value)


def sha(content):
    return hashlib.sha256(content).hexdigest()


def sum_of(path):
    return path.with_name(f"{path.name}.sha256")


def test_a_file_arrives_whole_with_its_sum(archive, path):
    assert get(archive, path) == sha(FIRST)
    assert path.read_bytes() == FIRST
    assert sum_of(path).read_text() == f"{sha(FIRST)}  map.fits\n"
    assert sorted(f.name for f in path.parent.iterdir()) == [
        "map.fits",
        "map.fits.sha256",
    ]
    if shutil.which("sha256sum"):
        check = ["sha256sum", "--check", "--strict", "map.fits.sha256"]
        subprocess.run(check, cwd=path.parent, check=True, capture_output=True)


def test_a_file_that_is_there_is_not_asked_for_again(archive, path):
    get(archive, path)
    before = path.stat().st_mtime_ns
    assert get(archive, path) == sha(FIRST)
    assert len(archive.asked) == 1
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "tricks",
    [
        [{"drop": HALF}],
        [{"drop": 0}],
        [{"drop": HALF, "abort": True}],
        [{"drop": HALF, "chunked": True}],
        [{"chunked": True}],
        [{"silent": True}],
        [{"silent": True, "drop": HALF}],
        [{"status": 503}, {"status": 503}],
        [{"drop": HALF}, {"status": 500}, {"status": 429}],
        [{"content": PAGE}, {"content": FIRST}],
        [{"lie": 1000}],
        [{"stall": 3 * SHORT}],
        [{"status": 302, "headers": {"Location": "/elsewhere.fits"}}],
    ],
    ids=lambda tricks: "-".join("_".join(map(str, trick)) for trick in tricks)[:40],
)
def test_faults_that_pass_leave_no_trace(archive, path, tricks):
    archive.tricks = list(tricks)
    timeout = SHORT if "stall" in tricks[0] else 5.0
    assert get(archive, path, timeout=timeout) == sha(FIRST)
    assert path.read_bytes() == FIRST
    assert not archive.tricks
    assert len(list(path.parent.iterdir())) == 2


@pytest.mark.parametrize(
    ("trick", "match"),
    [
        ({"status": 404}, "404 Client Error: Not Found.* by hand"),
        ({"status": 503}, "503 Server Error"),
        ({"content": PAGE}, "expected a whole FITS file at .*<!DOCTYPE html>"),
        ({"content": b""}, "found 0 bytes"),
        ({"drop": HALF}, "IncompleteRead"),
        ({"lie": -100}, "expected a whole FITS file"),
        ({"content": FIRST[:-3000]}, "expected a whole FITS file"),
        ({"status": 302, "headers": {"Location": "file:///etc/passwd"}}, "file:///etc"),
        ({"stall": 3 * SHORT}, "timed out"),
        ({"status": 204}, "found 0 bytes"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, dict) else value[:10],
)
def test_faults_that_stay_end_in_a_sentence(archive, path, trick, match):
    archive.tricks, archive.stubborn = [trick], True
    timeout = SHORT if "stall" in trick else 5.0
    text = refused(match, archive, path, retries=2, timeout=timeout)
    assert f"{archive.url}/map.fits" in text
    assert len(archive.asked) == 3


@pytest.mark.parametrize(
    "url", ["map.fits", "gopher://127.0.0.1/map.fits", "file:///no/map"]
)
def test_an_address_that_cannot_be_ends_in_a_sentence(archive, path, url):
    refused("cannot be downloaded from", archive, path, url=url)
    assert not archive.asked


def test_nobody_listens(archive, path):
    archive.server_close()
    refused(r"\(Connection refused\)", archive, path, retries=1)


def test_a_page_in_place_of_a_table_is_refused(archive, path):
    archive.content = b"\n" + PAGE
    refused("begin with", archive, path.with_name("catalogue.csv"))


def test_a_table_is_taken_as_it_is(archive, path):
    archive.content = b"ra,dec\n150.1,2.2\n"
    path = path.with_name("catalogue.csv")
    get(archive, path)
    assert path.read_bytes() == archive.content


@pytest.mark.parametrize("name", ["map.fits.gz", "map.FITS.GZ"])
def test_compressed_maps_stay_compressed(archive, path, name):
    archive.content = gzip.compress(FIRST)
    path = path.with_name(name)
    get(archive, path)
    assert gzip.decompress(path.read_bytes()) == FIRST


def test_a_compressed_map_that_its_server_unpacks_can_be_read(archive, path):
    archive.content = gzip.compress(FIRST)
    archive.tricks = [{"headers": {"Content-Encoding": "x-gzip"}}]
    path = path.with_name("map.fits.gz")
    get(archive, path)
    with fits.open(path) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "IMAGE", "FLAG"]


def test_a_compressed_map_cut_short_is_refused(archive, path):
    archive.content = gzip.compress(FIRST)
    archive.tricks, archive.stubborn = [{"lie": -100}], True
    refused("expected a whole FITS", archive, path.with_name("map.fits.gz"))


def test_only_between_its_hdus_can_a_fits_file_be_cut_unnoticed(tmp_path):
    with fits.open(io.BytesIO(FIRST)) as hdus:
        infos = [hdu.fileinfo() for hdu in hdus]
    ends = [info["datLoc"] + info["datSpan"] for info in infos]
    file = tmp_path / "cut.fits"
    for size in {*range(0, len(FIRST), 997), *ends, *(end - 1 for end in ends)}:
        file.write_bytes(FIRST[:size])
        if size in ends:
            check_content(file, file, "its archive")
            continue
        with pytest.raises(InputError, match=f"found {size} bytes"):
            check_content(file, file, "its archive")


def test_a_folder_that_cannot_be_made_ends_in_a_sentence(archive, path):
    path.parent.parent.mkdir()
    path.parent.write_text("a file, not a folder")
    with pytest.raises(InputError, match=r"map\.fits: cannot be downloaded"):
        get(archive, path)


def test_a_file_of_another_sum_is_refused(archive, path):
    text = refused(sha(SECOND), archive, path, sha(SECOND))
    assert sha(FIRST) in text
    archive.content = SECOND
    assert get(archive, path, sha(SECOND).upper()) == sha(SECOND)


def test_the_first_download_fixes_the_sum(archive, path):
    get(archive, path)
    path.unlink()
    archive.content = SECOND
    with pytest.raises(InputError, match=f"{sha(FIRST)}.*{sha(SECOND)}.*delete"):
        get(archive, path)
    assert not path.exists()
    assert sum_of(path).read_text().startswith(sha(FIRST))
    get(archive, path, sha(SECOND))
    assert sum_of(path).read_text().startswith(sha(SECOND))


def test_a_file_that_was_tampered_with_stays_and_is_refused(archive, path):
    get(archive, path)
    path.write_bytes(FIRST[:-1] + b"x")
    with pytest.raises(InputError, match=f"{sha(FIRST)} of the first download"):
        get(archive, path)
    assert path.read_bytes() == FIRST[:-1] + b"x"
    assert len(archive.asked) == 1


def test_a_file_put_there_by_hand_serves(archive, path):
    path.parent.mkdir(parents=True)
    path.write_bytes(SECOND)
    assert get(archive, path) == sha(SECOND)
    assert path.read_bytes() == SECOND
    assert sum_of(path).read_text().startswith(sha(SECOND))
    assert not archive.asked


def test_files_of_this_machine_are_copied(archive, path, tmp_path):
    source = tmp_path / "source (1).fits"
    source.write_bytes(FIRST)
    get(archive, path, url=source.as_uri())
    assert path.read_bytes() == FIRST
    assert source.exists()


def test_progress_is_shown_with_its_rate(archive, path):
    terminal = io.StringIO()
    archive.tricks = [{"drop": HALF}]
    get(archive, path, terminal=terminal)
    shown = terminal.getvalue()
    assert shown.startswith("\rmap.fits:")
    last = shown.rstrip().rpartition("\r")[2]
    assert "100%" in last
    assert f"{len(FIRST) / 1e3:.1f}k/{len(FIRST) / 1e3:.1f}k" in last
    assert "B/s" in last


@pytest.mark.parametrize("name", ["map.fits", "map.fits.gz", "map.fits.fz"])
def test_every_kind_of_fits_file_is_whole(tmp_path, name):
    with fits.open(io.BytesIO(FIRST)) as hdus:
        if name.endswith(".fz"):
            hdus = fits.HDUList([hdus[0], fits.CompImageHDU(hdus[1].data)])
        hdus.writeto(tmp_path / name)
    check_content(tmp_path / name, tmp_path / name, "its archive")
