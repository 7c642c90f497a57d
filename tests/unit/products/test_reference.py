"""Comparison of a field with a published catalogue, on replicas of one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table, vstack
from hypothesis import given, settings
from hypothesis import strategies as st

import compare_field
from helpers.shared import REAL
from superspire.errors import InputError
from superspire.evaluation.protocols import PAPER, POSITION, POSITION_FLUX, STRICT
from superspire.figures.reference import draw_reference
from superspire.io import write_table
from superspire.products.reference import (
    compare_with_reference,
    on_grid,
    published_depth,
    read_reference,
    summarise_pairs,
)
from superspire.products.writing import write_superresolved
from superspire.sky.maps import field_wcs

STUDIES = REAL / "studies_catalogue"
SIDE = 1500
SHIFT = (1.5, -0.5)
RATIO = 0.9
ERROR = 0.15
RADII = {PAPER: 10.0, STRICT: 4.0}


@pytest.fixture(scope="module")
def world():
    """A field that finds two thirds of the published sources, and some more."""
    rng = np.random.default_rng(3)
    wcs, _ = field_wcs((150.1, 2.2), float(SIDE), 1.0)
    n = 300
    x, y = rng.uniform(20, SIDE - 20, (2, n))
    flux = 4.0 * rng.uniform(size=n) ** -0.6
    ra, dec = wcs.all_pix2world(x, y, 0)
    published = Table(
        {"RA": ra, "Dec": dec, "S450": flux, "S450_total_err": 0.1 * flux}
    )
    for name, unit in (("RA", "deg"), ("Dec", "deg"), ("S450", "mJy")):
        published[name].unit = unit
    published["S450_total_err"].unit = "mJy"
    seen = np.arange(n) % 3 > 0
    spurious = rng.uniform(20, SIDE - 20, (2, 40))
    fx = np.concatenate([x[seen] + SHIFT[0], spurious[0]])
    fy = np.concatenate([y[seen] + SHIFT[1], spurious[1]])
    ra, dec = wcs.all_pix2world(fx, fy, 0)
    catalogue = Table(
        {
            "RA": ra * u.deg,
            "DEC": dec * u.deg,
            "S450": np.concatenate([RATIO * flux[seen], np.full(40, 5.0)]) * u.mJy,
            "NEAR_EDGE": np.zeros(len(fx), bool),
        }
    )
    catalogue["S450_ERR"] = ERROR * catalogue["S450"]
    return published, catalogue, np.ones((SIDE, SIDE), bool), wcs


@pytest.fixture(scope="module")
def reference(world, tmp_path_factory):
    path = tmp_path_factory.mktemp("published") / "studies.fits"
    world[0].write(path)
    return read_reference(path)


def test_layout_of_studies_is_read(world, reference):
    assert reference.colnames == ["RA", "DEC", "S450", "S450_ERR"]
    assert reference["S450"].unit == u.mJy
    assert np.allclose(reference["S450"], world[0]["S450"])


def test_names_and_unit_of_a_csv_file(world, tmp_path):
    path = tmp_path / "other.csv"
    table = world[0]["RA", "Dec", "S450"].copy()
    table["S450"] /= 1000
    table.rename_columns(table.colnames, ["lon", "lat", "peak"])
    table.write(path, format="ascii.csv")
    columns = {"ra": "lon", "dec": "lat", "flux": "peak"}
    read = read_reference(path, columns, "Jy")
    assert np.allclose(read["S450"], world[0]["S450"], rtol=1e-6)
    assert "S450_ERR" not in read.colnames


def test_sources_without_position_or_flux_are_left_out(world, tmp_path):
    table = world[0].copy()
    for row, name in enumerate(("RA", "Dec", "S450")):
        table[name][row] = np.nan
    table.write(tmp_path / "gaps.fits")
    read = read_reference(tmp_path / "gaps.fits")
    np.testing.assert_array_equal(read["S450"], table["S450"][3:])


@pytest.mark.parametrize("kind", ["fits", "csv"])
def test_sexagesimal_angles_are_refused(world, tmp_path, kind):
    table = world[0]["RA", "Dec", "S450"].copy()
    table["RA"] = ["10:00:28.6"] * len(table)
    path = tmp_path / f"published.{kind}"
    table.write(path)
    with pytest.raises(InputError, match=r"published\.(fits|csv).*10:00:28\.6"):
        read_reference(path, unit="mJy")


@pytest.mark.parametrize("kind", ["fits", "csv"])
def test_a_catalogue_of_no_sources_is_read(world, tmp_path, kind):
    path = tmp_path / f"published.{kind}"
    world[0][:0].write(path)
    assert len(read_reference(path, unit="mJy")) == 0


@pytest.mark.parametrize(
    ("written", "configured", "factor", "told"),
    [
        ("mJy/beam", None, 1.0, False),
        ("mJy / beam", "mJy", 1.0, False),
        ("Jy beam-1", None, 1e3, False),
        ("uJy", None, 1e-3, False),
        ("MJY", None, 1.0, False),
        ("uJy", "mJy", 1.0, True),
        ("Jy/beam", "mJy", 1.0, True),
        (None, "uJy", 1e-3, False),
    ],
)
def test_units_of_fluxes_and_peaks(tmp_path, written, configured, factor, told):
    columns = [
        fits.Column("ra", "D", array=[150.0]),
        fits.Column("dec", "D", array=[2.0]),
        fits.Column("S450", "D", array=[8.0], unit=written),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "one.fits.gz")
    said = []
    read = read_reference(tmp_path / "one.fits.gz", None, configured, said.append)
    assert read["S450"].tolist() == pytest.approx([8.0 * factor])
    assert any("is another one" in each for each in said) == told


@pytest.mark.parametrize("unit", ["mag(AB)", "MJy/sr", "K"])
def test_units_of_other_quantities_are_refused(world, tmp_path, unit):
    table = world[0].copy()
    table["S450"].unit = None
    hdu = fits.table_to_hdu(table)
    hdu.header[f"TUNIT{table.colnames.index('S450') + 1}"] = unit
    hdu.writeto(tmp_path / "a.fits")
    with pytest.raises(InputError, match="expected flux densities"):
        read_reference(tmp_path / "a.fits", unit="mJy")


def test_what_is_skipped_is_counted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "name,ra,dec,S450\nSrc 1,150.1,2.1,10\nSrc #2,150.2,2.2,-99\n"
        "Src 3,150.3,2.3,\nSrc 4,150.4,-999,5\nSrc 5,150.5,2.5,12.5\n"
    )
    said = []
    read = read_reference(path, unit="mJy", notify=said.append)
    assert read["S450"].tolist() == [10.0, 12.5]
    assert said == [f"{path}: 3 of 5 sources have no position or flux and are skipped"]


def compare(world, reference, **changes):
    _, catalogue, covered, wcs = world
    arguments = {"catalogue": catalogue, "reference": reference, "covered": covered}
    arguments |= changes
    return compare_with_reference(
        **arguments, wcs=wcs, radius=RADII[PAPER], strict_radius=RADII[STRICT]
    )


@pytest.fixture(scope="module")
def comparison(world, reference):
    """Measures and pairs of the field and the published sources as they are."""
    return compare(world, reference)


def select(measures, quantity, protocol=STRICT, measure=POSITION):
    names = {"quantity": quantity, "protocol": protocol, "measure": measure}
    own = measures[(measures[list(names)] == list(names.values())).all(axis=1)]
    assert own["flux_min"].is_unique
    assert len(own) == measures["flux_min"].nunique()
    return own.set_index("flux_min")


def total(table):
    """Share in all bins of flux but the last, which overlaps with others."""
    own = table[np.isfinite(table["flux_max"]) & (table["n"] > 0)]
    return np.average(own["fraction"], weights=own["n"])


def test_offsets_and_ratios_come_back(comparison):
    _, pairs = comparison
    near = pairs[pairs["separation"] <= RADII[STRICT]]
    assert near["dx"].median() == pytest.approx(SHIFT[0], abs=0.01)
    assert near["dy"].median() == pytest.approx(SHIFT[1], abs=0.01)
    assert near["separation"].median() == pytest.approx(np.hypot(*SHIFT), abs=0.01)
    assert near["flux_sr"].to_numpy() == pytest.approx(RATIO * near["flux_reference"])
    assert near["error_sr"].to_numpy() == pytest.approx(ERROR * near["flux_sr"])
    error = 0.1 * near["flux_reference"]
    assert near["error_reference"].to_numpy() == pytest.approx(error)


def test_shares_come_back_in_both_protocols(world, comparison):
    measures, _ = comparison
    for protocol in RADII:
        recovered = select(measures, "recovered", protocol)
        assert total(recovered) == pytest.approx(2 / 3, abs=0.04)
        assert recovered["measurable"].all()
        confirmed = select(measures, "confirmed", protocol)
        assert 0.4 < confirmed.loc[4.24, "fraction"] < 0.95
        assert confirmed.loc[12.0, "fraction"] > 0.97
    chances = [select(measures, "recovered", p)["chance"].mean() for p in RADII]
    density = len(world[1]) / SIDE**2
    expected = [1 - np.exp(-np.pi * r**2 * density) for r in RADII.values()]
    assert chances == pytest.approx(expected, rel=0.5)


def test_a_flux_that_is_wrong_by_three_fails_the_third_measure(world, reference):
    catalogue = world[1].copy()
    catalogue["S450"] *= 3.0
    measures, _ = compare(world, reference, catalogue=catalogue)
    assert total(select(measures, "recovered")) > 0.6
    third = select(measures, "recovered", measure=POSITION_FLUX)
    assert total(third) < 0.02


def test_sources_near_edges_are_partners_but_not_judged(world, reference):
    edge = world[1].copy()
    edge["NEAR_EDGE"] = True
    measures, pairs = compare(world, reference, catalogue=edge)
    assert select(measures, "confirmed")["n"].sum() == 0
    assert total(select(measures, "recovered")) == pytest.approx(2 / 3, abs=0.04)
    assert len(pairs) > 190


def test_published_sources_near_edges_are_partners_but_not_judged(world, reference):
    covered = world[2].copy()
    covered[:, : SIDE // 2] = False
    measures, pairs = compare(world, reference, covered=covered)
    assert select(measures, "confirmed").loc[12.0, "fraction"] > 0.97
    x, _ = world[3].all_world2pix(reference["RA"], reference["DEC"], 0)
    own = select(measures, "recovered")
    inside = (x > SIDE // 2 + 19) & (x < SIDE - 20) & (reference["S450"] >= 15.0)
    assert own.loc[15.0, "n"] <= inside.sum() < (reference["S450"] >= 15.0).sum()
    assert len(pairs) < 0.6 * 200


def test_sources_outside_the_published_sky_are_not_judged(world, reference, comparison):
    east = reference[reference["RA"] > 150.1]
    measures, _ = compare(world, east)
    confirmed = select(measures, "confirmed")
    assert confirmed.loc[12.0, "fraction"] > 0.97
    whole = select(comparison[0], "confirmed")
    assert confirmed["n"].sum() < 0.6 * whole["n"].sum()


def test_published_sources_beyond_the_map_do_not_raise_the_chance(
    world, reference, comparison
):
    rng = np.random.default_rng(7)
    x, y = rng.uniform(-500, SIDE + 500, (2, 4000))
    out = (x < -1) | (x > SIDE) | (y < -1) | (y > SIDE)
    ra, dec = world[3].all_pix2world(x[out], y[out], 0)
    beyond = Table({"RA": ra * u.deg, "DEC": dec * u.deg})
    beyond["S450"] = 20.0 * u.mJy
    beyond["S450_ERR"] = 2.0 * u.mJy
    more, _ = compare(world, vstack([reference, beyond]))
    alone, _ = comparison
    for quantity in ("recovered", "confirmed"):
        one, other = (select(table, quantity, PAPER) for table in (more, alone))
        np.testing.assert_allclose(one["chance"], other["chance"], atol=0.03)


def test_bins_below_the_published_depth_are_not_judged(world, reference):
    shallow = reference[reference["S450"] > 5.0]
    shallow["S450_ERR"] = 1.0 + 0.1 * (np.arange(len(shallow)) % 10)
    shallow["S450"][0], shallow["S450_ERR"][0] = 6.0, 1.5
    table = pd.DataFrame({"flux": shallow["S450"], "error": shallow["S450_ERR"]})
    minimum = (table["flux"] / table["error"]).min()
    depth = published_depth(table)
    assert depth == pytest.approx(minimum * np.quantile(table["error"], 0.84))
    confirmed = select(compare(world, shallow)[0], "confirmed")
    bins = confirmed.index.to_numpy()
    assert confirmed["measurable"].tolist() == (bins >= depth).tolist()
    assert 0 < confirmed["measurable"].sum() < len(confirmed)
    assert published_depth(table.assign(error=np.nan)) == 0.0


@settings(max_examples=50)
@given(x=st.floats(-50, 150), y=st.floats(-50, 150), margin=st.floats(0.0, 20.0))
def test_sources_on_a_grid_and_around_it(x, y, margin):
    table = pd.DataFrame({"x": [x, np.nan], "y": [y, 5.0]})
    outside = max(-0.5 - x, x - 79.5, -0.5 - y, y - 39.5)
    if abs(outside - margin) > 1e-9:
        assert len(on_grid(table, (40, 80), margin)) == (outside < margin)


def test_pairs_are_summarised_per_protocol_and_bin():
    rng = np.random.default_rng(2)
    n = 4000
    flux = rng.uniform(5.0, 16.0, n)
    noise = rng.normal(size=(2, n))
    pairs = pd.DataFrame(
        {
            "flux_reference": flux,
            "error_reference": 0.4,
            "flux_sr": flux + np.hypot(0.3, 0.4) * noise[0],
            "error_sr": 0.3,
            "dx": 0.5 + noise[1],
            "dy": -0.2,
            "separation": np.where(np.arange(n) < n // 4, 3.0, 7.0),
        }
    )
    table = summarise_pairs(pairs, RADII)
    assert table.groupby("protocol").size().to_dict() == {PAPER: 6, STRICT: 6}
    for protocol, number in ((PAPER, n), (STRICT, n // 4)):
        every, *bins = table[table["protocol"] == protocol].to_dict("records")
        assert (every["flux_min"], every["flux_max"]) == (0.0, np.inf)
        assert every["n"] == number == sum(one["n"] for one in bins)
        assert every["dx_err"] == pytest.approx(1.2533 / number**0.5, rel=0.2)
        assert abs(every["dx"] - 0.5) < 5 * every["dx_err"]
        assert abs(every["ratio"] - 1.0) < 5 * every["ratio_err"]
        # The 68th percentile of |N(0, 1)| is 0.9945, its error 0.97 / √n.
        assert every["pull"] == pytest.approx(0.9945, abs=5 * 0.97 / number**0.5)
        assert every["dy"] == -0.2
        assert every["dy_err"] == 0.0
        assert bins[-1]["n"] == 0
        assert np.isnan(bins[-1]["ratio"])
    assert every["r68"] == 3.0
    alone = summarise_pairs(pairs.assign(error_reference=np.nan), RADII)
    assert alone["pull"][0] == pytest.approx(table["pull"][0] * 5 / 3)
    assert list(summarise_pairs(pairs[:0], RADII).columns) == list(table.columns)


def test_a_catalogue_of_other_sky_is_told(world, reference):
    away = reference.copy()
    away["DEC"] = np.asarray(away["DEC"]) + 5
    with pytest.raises(InputError, match="published sources in the field"):
        compare(world, away)


def test_a_missing_column_is_named(world, tmp_path):
    path = tmp_path / "none.fits"
    world[0]["RA", "Dec"].write(path)
    with pytest.raises(
        InputError, match=r"reference\.columns\.flux: .*s450.* found RA"
    ):
        read_reference(path)


@pytest.mark.parametrize("number", [None, 1, 0])
def test_figure_has_offsets_fluxes_and_shares(comparison, number):
    measures, pairs = comparison
    pairs = pairs[:number]
    figure = draw_reference(measures, pairs, summarise_pairs(pairs, RADII), RADII)
    figure.canvas.draw()
    assert [axes.get_xlabel()[:4] for axes in figure.axes] == ["Offs", "Publ", "Flux"]
    labels = [text.get_text() for text in figure.axes[2].get_legend().get_texts()]
    expected = ["recovered", "confirmed", "within 4 arcsec", "within 10 arcsec"]
    assert labels == [*expected, "by chance"]
    if number is None:
        near = (pairs["separation"] <= RADII[STRICT]).sum()
        assert figure.axes[1].get_title() == f"{near} pairs within 4 arcsec"


class Record(dict):
    __getattr__ = dict.__getitem__


@pytest.fixture
def job(world, tmp_path):
    """A field with its published catalogue, as the rule gives them to its script."""
    published, catalogue, covered, wcs = world
    names = {"measures": "reference.csv", "ratios": "fluxes.csv"}
    names |= {"pdf": "reference.pdf", "png": "reference.png"}
    reference = tmp_path / "published.fits"
    published.rename_columns(["S450"], ["peak"])
    published.write(reference)
    published.rename_columns(["peak"], ["S450"])
    image = np.where(covered, 0.0, np.nan).astype(np.float32)
    write_superresolved(tmp_path / "s.fits", image, covered, wcs, {})
    write_table(tmp_path / "c.fits", catalogue)
    inputs = {"image": "s.fits", "catalogue": "c.fits", "reference": reference.name}
    return Record(
        input=Record({key: str(tmp_path / name) for key, name in inputs.items()}),
        output=Record({key: str(tmp_path / name) for key, name in names.items()}),
        params=Record(
            reference={"file": reference.name, "columns": {"flux": "peak"}},
            radius=RADII[PAPER],
            strict_radius=RADII[STRICT],
        ),
    )


def test_script_writes_what_the_comparison_gives(comparison, job, capsys):
    compare_field.main(job)
    measures, pairs = comparison
    for file, table in (
        (job.output.measures, measures),
        (job.output.ratios, summarise_pairs(pairs, RADII)),
    ):
        written = pd.read_csv(file)
        pd.testing.assert_frame_equal(written, table, rtol=1e-4, check_dtype=False)
    assert Path(job.output.pdf).read_bytes().startswith(b"%PDF")
    assert Path(job.output.png).stat().st_size > 20_000
    area = (SIDE / 3600) ** 2
    assert f"300 published sources, field of {area:.3f} deg²" in capsys.readouterr().out


def test_script_refuses_a_catalogue_that_changed_since_its_download(job):
    Path(job.input.reference + ".sha256").write_text("0" * 64 + "  published.fits\n")
    with pytest.raises(InputError, match="SHA-256"):
        compare_field.main(job)
    assert not Path(job.output.measures).exists()


@pytest.mark.skipif(not STUDIES.is_dir(), reason="no STUDIES catalogue")
def test_the_catalogue_of_studies():
    table = read_reference(next(STUDIES.glob("*.fits")))
    assert len(table) == 479
    assert table["S450"].max() == pytest.approx(45.2, abs=0.1)
    assert table["S450_ERR"].min() > 0
