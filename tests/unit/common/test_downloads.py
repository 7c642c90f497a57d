"""A download ends with the right file or with a sentence, whatever the server does."""

import gzip
import hashlib
import io
import shutil
import subprocess
import time
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.archive import serve
from superspire import downloads as module
from superspire.downloads import download, verify
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
    return tmp_path / "data" / "cosmos" / "map.fits"


def get(archive, path, *arguments, **options):
    options = {"pause": 0.0, "timeout": 5.0, **options}
    url = options.pop("url", f"{archive.url}/map.fits")
    return download(url, path, *arguments, **options)


def refused(match, *arguments, **options):
    """Expect one sentence, and no file."""
    with pytest.raises(InputError, match=match) as error:
        get(*arguments, **options)
    assert "\n" not in str(error.value)
    assert not arguments[1].exists()
    assert not sum_of(arguments[1]).exists()
    return str(error.value)


def sha(content):
    return hashlib.sha256(content).hexdigest()


def sum_of(path):
    return path.with_name(f"{path.name}.sha256")


def part_of(path):
    return path.with_name(f"{path.name}.part")


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
        [{"drop": 5}],
        [{"drop": HALF}, {"drop": 700}, {"drop": 0}],
        [{"drop": HALF, "abort": True}],
        [{"status": 503}, {"status": 503}],
        [{"drop": HALF}, {"status": 500}, {"status": 429}],
        [{"drop": HALF}, {"deaf": True}],
        [{"drop": HALF}, {"shift": -100, "drop": len(FIRST) - HALF}],
        [{"drop": HALF, "chunked": True}],
        [{"chunked": True}],
        [{"silent": True}],
        [{"drop": HALF}, {"status": 416}],
        [{"drop": HALF}, {"status": 206, "headers": {"Content-Range": "nonsense"}}],
        [{"status": 206}],
        [{"lie": 1000}],
        [{"stall": 3 * SHORT}],
        [{"status": 302, "headers": {"Location": "/elsewhere.fits"}}],
    ],
    ids=lambda tricks: "-".join("_".join(map(str, trick)) for trick in tricks),
)
def test_faults_that_pass_leave_no_trace(archive, path, tricks):
    archive.tricks = list(tricks)
    timeout = SHORT if "stall" in tricks[0] else 5.0
    assert get(archive, path, timeout=timeout) == sha(FIRST)
    assert path.read_bytes() == FIRST
    assert not archive.tricks
    assert not part_of(path).exists()


@pytest.mark.parametrize(("etag", "modified"), [('"a"', None), (None, formatdate(0))])
def test_only_the_missing_bytes_are_asked_for(archive, path, etag, modified):
    archive.etag, archive.modified = etag, modified
    archive.tricks = [{"drop": HALF}]
    get(archive, path)
    assert archive.asked[1]["Range"] == f"bytes={HALF}-"
    assert archive.asked[1]["If-Range"] == (etag or modified)
    assert archive.sent == len(FIRST)


@pytest.mark.parametrize("etag", [None, 'W/"1"'])
def test_without_a_sure_name_of_the_version_it_starts_anew(archive, path, etag):
    archive.etag = etag
    archive.tricks = [{"drop": HALF}]
    get(archive, path)
    assert archive.asked[1]["Range"] is None
    assert path.read_bytes() == FIRST


def test_a_later_run_goes_on_where_the_first_stopped(archive, path):
    archive.tricks = [{"drop": HALF}]
    refused("were announced", archive, path, retries=0)
    assert part_of(path).read_bytes() == FIRST[:HALF]
    get(archive, path, retries=0)
    assert archive.sent == len(FIRST)
    assert path.read_bytes() == FIRST


def test_all_bytes_are_there_but_for_the_name(archive, path, monkeypatch):
    monkeypatch.setattr(module, "accept", lambda *_: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        get(archive, path)
    monkeypatch.undo()
    get(archive, path)
    assert len(archive.asked) == 1
    assert path.read_bytes() == FIRST


def test_another_address_does_not_continue_the_bytes_of_the_first(archive, path):
    archive.tricks = [{"drop": HALF}]
    refused("were announced", archive, path, retries=0)
    archive.content = SECOND
    get(archive, path, url=f"{archive.url}/other.fits")
    assert archive.asked[1]["Range"] is None
    assert path.read_bytes() == SECOND


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("etag", ['"2"', None])
def test_two_versions_are_never_mixed(archive, path, blind, runs, etag):
    change = {"content": SECOND, "etag": etag, "blind": blind}
    archive.tricks = [{"drop": HALF}, change]
    if runs == 2:
        refused("were announced", archive, path, retries=0)
    get(archive, path)
    assert path.read_bytes() == SECOND


def test_a_version_of_another_size_is_never_mixed_in(archive, path):
    archive.etag, archive.modified = None, formatdate(0)
    longer = observation(2) + bytes(2880)
    archive.tricks = [{"drop": HALF}, {"content": longer, "blind": True}]
    get(archive, path)
    assert path.read_bytes() == longer


@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    tricks=st.lists(
        st.fixed_dictionaries(
            {"drop": st.integers(0, len(FIRST) - 1)},
            optional={
                "etag": st.sampled_from(['"1"', '"2"', None]),
                "deaf": st.booleans(),
                "blind": st.booleans(),
                "chunked": st.booleans(),
            },
        ),
        max_size=5,
    )
)
def test_any_sequence_of_drops_and_changes_ends_with_one_version(tmp_path, tricks):
    versions = {'"1"': FIRST, '"2"': SECOND, None: FIRST}
    for trick in tricks:
        if "etag" in trick:
            trick["content"] = versions[trick["etag"]]
    path = tmp_path / "map.fits"
    with serve(FIRST) as archive:
        archive.tricks = tricks
        get(archive, path, retries=10)
        assert path.read_bytes() == archive.content
    path.unlink()
    sum_of(path).unlink()


def test_a_bad_line_makes_progress_as_long_as_bytes_come(archive, path):
    archive.tricks, archive.stubborn = [{"drop": 1500}], True
    get(archive, path, retries=1)
    assert path.read_bytes() == FIRST
    assert len(archive.asked) == -(-len(FIRST) // 1500)


def test_a_line_that_always_breaks_at_the_same_byte_ends(archive, path):
    archive.etag = None
    archive.tricks, archive.stubborn = [{"drop": HALF}], True
    refused(f"{len(FIRST)} bytes were announced and {HALF}", archive, path, retries=3)
    assert len(archive.asked) == 4


def test_a_line_that_breaks_for_good_ends(archive, path):
    archive.tricks, archive.stubborn = [{"drop": HALF}, {"drop": 0}], True
    refused("were announced", archive, path, retries=3)
    assert len(archive.asked) == 4


@pytest.mark.parametrize(
    ("trick", "match", "requests"),
    [
        ({"status": 404}, "found '404 Not Found'; .* by hand", 1),
        ({"status": 403}, "found '403 Forbidden'", 1),
        ({"status": 503}, "503 Service Unavailable", 3),
        ({"content": PAGE}, "expected a FITS file at .*<!DOCTYPE html>", 1),
        ({"content": b""}, "0 bytes that end too early", 1),
        ({"lie": 100}, "were announced", 3),
        ({"lie": -100}, "end too early", 1),
        ({"content": FIRST[:-3000]}, "end too early", 1),
        ({"status": 302, "headers": {"Location": "file:///etc/passwd"}}, "302", 1),
        ({"stall": 3 * SHORT}, "timed out", 3),
        ({"status": 204}, "0 bytes that end too early", 1),
    ],
    ids=str,
)
def test_faults_that_stay_end_in_a_sentence(archive, path, trick, match, requests):
    archive.etag = None
    archive.tricks, archive.stubborn = [trick], True
    timeout = SHORT if "stall" in trick else 5.0
    text = refused(match, archive, path, retries=2, timeout=timeout)
    assert f"{archive.url}/map.fits" in text
    assert len(archive.asked) == requests


def test_an_error_page_does_not_cost_the_bytes_so_far(archive, path):
    archive.tricks = [{"drop": HALF}, {"content": PAGE, "etag": None}]
    refused("DOCTYPE", archive, path)
    assert part_of(path).read_bytes() == FIRST[:HALF]


@pytest.mark.parametrize(
    "url",
    ["map.fits", "ftp://127.0.0.1/map.fits", "http://127.0.0.1/a b", "file:///no/map"],
)
def test_an_address_that_cannot_be_is_refused_at_once(archive, path, url, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waited"))
    refused("expected a (file at|url that begins)", archive, path, url=url)


def test_nobody_listens(archive, path):
    archive.server_close()
    refused("refused", archive, path, retries=1)


def test_a_page_in_place_of_a_table_is_refused(archive, path):
    archive.content = b"\n" + PAGE
    refused("begins with", archive, path.with_name("catalogue.csv"))


def test_a_table_is_taken_as_it_is(archive, path):
    archive.content = b"ra,dec\n150.1,2.2\n"
    path = path.with_name("catalogue.csv")
    get(archive, path)
    assert path.read_bytes() == archive.content


@pytest.mark.parametrize("name", ["map.fits.gz", "map.FITS.GZ"])
def test_compressed_maps_stay_compressed(archive, path, name):
    archive.content = gzip.compress(FIRST)
    archive.tricks = [{"headers": {"Content-Encoding": "x-gzip"}}]
    path = path.with_name(name)
    get(archive, path)
    assert gzip.decompress(path.read_bytes()) == FIRST


def test_only_between_its_hdus_can_a_fits_file_be_cut_unnoticed(tmp_path):
    with fits.open(io.BytesIO(FIRST)) as hdus:
        places = [hdu.fileinfo() for hdu in hdus]
    ends = [place["datLoc"] + place["datSpan"] for place in places]
    file = tmp_path / "cut.fits"
    for size in {*range(0, len(FIRST), 997), *ends, *(end - 1 for end in ends)}:
        file.write_bytes(FIRST[:size])
        assert module.fits_is_whole(file) == (size in ends)


def test_a_compressed_map_cut_short_is_refused(archive, path):
    archive.content = gzip.compress(FIRST)
    archive.tricks = [{"lie": -100}]
    refused("end too early", archive, path.with_name("map.fits.gz"))


def test_the_pause_doubles_unless_the_server_asks_for_more(archive, path, monkeypatch):
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    later = formatdate(time.time() + 100, usegmt=True)
    asked = ["7", later, "soon", "1000000", "0"]
    archive.tricks = [{"status": 503}, {"status": 503}] + [
        {"status": 503, "headers": {"Retry-After": value}} for value in asked
    ]
    get(archive, path, retries=7, pause=1.0)
    assert waited[:3] == [1.0, 2.0, 7.0]
    assert waited[3] == pytest.approx(100, abs=3)
    assert waited[4:] == [16.0, 300.0, 64.0]


def test_a_full_disk_is_noticed_before(archive, path, monkeypatch):
    usage = SimpleNamespace(free=len(FIRST) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    refused("MB of free disk space", archive, path)
    usage.free = HALF
    archive.tricks = [{"drop": HALF}]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    refused("were announced", archive, path, retries=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    get(archive, path)
    assert path.read_bytes() == FIRST


def test_a_folder_that_cannot_be_made_ends_in_a_sentence(archive, path):
    path.parent.parent.mkdir()
    path.parent.write_text("a file, not a folder")
    refused("cannot be read or written", archive, path)


def test_a_file_of_another_sum_is_refused_and_brought_anew(archive, path):
    text = refused(sha(SECOND), archive, path, sha(SECOND))
    assert sha(FIRST) in text
    assert not part_of(path).exists()
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


def test_a_file_that_was_tampered_with_is_refused(archive, path):
    get(archive, path)
    assert verify(path) == sha(FIRST)
    path.write_bytes(FIRST[:-1] + b"x")
    for check in (lambda: verify(path), lambda: get(archive, path)):
        with pytest.raises(InputError, match=f"{sha(FIRST)} of the first download"):
            check()
    assert path.read_bytes() == FIRST[:-1] + b"x"
    sum_of(path).unlink()
    assert verify(path) == sha(path.read_bytes())


def test_a_file_put_there_by_hand_serves(archive, path):
    path.parent.mkdir(parents=True)
    path.write_bytes(SECOND)
    assert verify(path) == sha(SECOND)
    assert not sum_of(path).exists()
    assert get(archive, path) == sha(SECOND)
    assert path.read_bytes() == SECOND
    assert sum_of(path).read_text().startswith(sha(SECOND))
    assert not archive.asked
    with pytest.raises(InputError, match="configured in downloads"):
        verify(path, sha(FIRST))


def test_a_sum_that_is_none_is_refused(archive, path):
    get(archive, path)
    sum_of(path).write_text("not a sum\n")
    with pytest.raises(InputError, match="as of sha256sum, found 'not a sum"):
        verify(path)


def test_files_of_this_machine_are_copied(archive, path, tmp_path):
    source = tmp_path / "source.fits"
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
    assert "were announced" in shown
    last = shown.rstrip().rpartition("\r")[2]
    assert "100%" in last
    assert f"{len(FIRST) / 1e3:.1f}k/{len(FIRST) / 1e3:.1f}k" in last
    assert "B/s" in last


def test_real_maps_are_whole():
    folder = Path(__file__).parents[4] / "shared" / "real"
    files = [*folder.glob("*/*.fits"), *folder.glob("*/*.fits.gz")]
    if not files:
        pytest.skip("no real maps here")
    for file in files:
        module.check_content(file, file, "its archive")
