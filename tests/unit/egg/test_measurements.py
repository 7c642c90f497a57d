"""What is measured of a field against sums, closed forms and repeated fields."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from astropy import units as u

import plot_validation
import summarise_validation
import validate_draws
import validate_sky
from helpers.egg_tables import REFERENCE, read_all
from superspire.egg import measurements as sky
from superspire.egg.agreement import KEYS
from superspire.egg.egg_reference import FILES, reference_table
from superspire.figures.style import plt
from superspire.instruments import BANDS, PAPER_BANDS, beam_area
from superspire.seeds import stream
from superspire.sky.beams import beam_of
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.dust import load_library

AREA = 0.1


@pytest.fixture(scope="module")
def catalogue():
    return simulate_catalogue(
        AREA, stream(3, "field"), dust=load_library("compact"), **validate_sky.REQUEST
    )


@pytest.fixture(scope="module")
def measured(catalogue):
    return sky.measure_field(catalogue, stream(3, "random"))


def value(measured, quantity, band=None, column="value"):
    rows = measured[measured["quantity"] == quantity]
    rows = rows[rows["band_um"].isna() if band is None else rows["band_um"] == band]
    return rows[column].item()


def test_everything_that_is_known_of_egg_is_measured(measured):
    known = reference_table(read_all())[KEYS].astype(str)
    found = measured[KEYS].astype(str)
    assert not found.duplicated().any()
    assert set(known.itertuples(index=False)) <= set(found.itertuples(index=False))


@pytest.mark.parametrize("band", PAPER_BANDS)
def test_sums_and_counts(catalogue, measured, band):
    flux = np.asarray(catalogue[f"S{band}"], float)
    total = flux.sum() * u.mJy / (AREA * u.deg**2)
    assert value(measured, "background in mJy deg-2", band) == pytest.approx(
        total.value
    )
    assert value(measured, "background in MJy/sr", band) == pytest.approx(
        total.to_value(u.MJy / u.sr)
    )
    counts = measured[(measured["group"] == "counts") & (measured["band_um"] == band)]
    assert len(counts) == 40
    assert counts["n"].sum() == np.sum((flux >= 0.1) & (flux < 1000))
    np.testing.assert_allclose(counts["value"] * AREA, counts["n"])
    np.testing.assert_allclose((counts["poisson"] * AREA) ** 2, counts["n"], atol=1e-9)
    above = value(measured, "above 5 mJy", band)
    assert above * AREA == pytest.approx(np.sum(flux > 5))


def test_galaxies_redshifts_and_cuts(catalogue, measured):
    assert value(measured, "galaxies") == pytest.approx(1_077_659, rel=1e-3)
    z, flux = np.asarray(catalogue["Z"]), np.asarray(catalogue["S450"], float)
    chosen = z[flux > 2]
    for name, expected in (("mean", chosen.mean()), ("p84", np.percentile(chosen, 84))):
        found = value(measured, f"S450 > 2 mJy: {name}", 450)
        assert found == pytest.approx(expected, rel=1e-6)
    kept = np.asarray(catalogue["LOGLIR"]) >= 10
    name = "share of the {} with log L_IR > 10"
    assert value(measured, name.format("galaxies")) == pytest.approx(kept.mean())
    fraction = flux[kept].sum() / flux.sum()
    assert value(measured, name.format("background"), 450) == pytest.approx(fraction)


def test_errors_are_the_scatter_of_fields():
    """Of fields with Poisson numbers of galaxies from one population."""
    rng, rows = np.random.default_rng(4), []
    for _ in range(300):
        n = rng.poisson(1500)
        flux, log_lir = rng.pareto(2.5, n) + 0.5, rng.normal(10, 1, n)
        z = rng.gamma(4.0, 0.5, n)
        rows += sky.measure_counts(flux, 0.5)
        rows += sky.measure_redshifts(z, flux)
        rows += sky.measure_luminosity_cuts(log_lir, {450: flux * (1 + (log_lir > 10))})
    table = pd.DataFrame(rows)
    for name in (
        "background in mJy deg-2",
        "0.7943-1 mJy",
        "above 1 mJy",
        "S450 > 1 mJy: mean",
        "S450 > 1 mJy: p25",
        "share of the galaxies with log L_IR > 10",
        "share of the background with log L_IR > 10",
    ):
        part = table[table["quantity"] == name]
        error = np.sqrt(np.mean(part["poisson"] ** 2))
        # 300 fields give a scatter to 4 %; few fluxes dominate the background.
        assert part["value"].std() == pytest.approx(error, rel=0.2), name


def test_map_is_the_beam_at_the_centres_of_the_cells():
    beam, cell, position = beam_of(250), 2.0, (151.3, 148.6)
    image = sky.sky_map(*np.array([*position, 3.0])[:, None], 300.0, cell, beam)
    border = int(np.ceil(1.5 * 18.1 / cell))
    assert image.shape == (150 - 2 * border,) * 2
    centre = (np.arange(border, 150 - border) + 0.5) * cell
    squared = (centre - position[0]) ** 2 + (centre[:, None] - position[1]) ** 2
    expected = 3.0 * np.exp(-0.5 * squared / BANDS[250].sigma ** 2)
    np.testing.assert_allclose(image, expected, atol=0.015)


@pytest.mark.parametrize("band", [450, 500])
def test_rms_of_random_sources_obeys_campbells_theorem(band):
    """sigma² = n <S²> times the integral of b², which is half the beam's area."""
    rng, cell = np.random.default_rng(5), sky.CELLS[band]
    side, n, times = 600 * cell, 4000, 6
    flux = rng.uniform(1, 5, n)
    area = beam_area(BANDS[band].fwhm)
    variance = np.sum(flux**2) / side**2 * area / 2
    found = []
    for _ in range(times):
        x, y = rng.uniform(0, side, (2, n))
        found.append(sky.sky_map(x, y, flux, side, cell, beam_of(band)).var())
    seen = (side - 3 * BANDS[band].fwhm) ** 2
    relative = np.sum(flux**4) / np.sum(flux**2) ** 2 + 2 * area / seen
    assert np.mean(found) == pytest.approx(
        variance, rel=4.5 * np.sqrt(relative / times) + area / seen
    )


def test_clustered_and_random_maps_hold_the_same_sources(measured):
    for sources in ("all", "S < 50 mJy"):
        clustered, random = (
            value(measured, f"sigma, {kind} positions, {sources}", 450)
            for kind in ("clustered", "random")
        )
        assert clustered == pytest.approx(random, rel=0.05)
        assert clustered != random


def test_same_seed_same_numbers_and_only_random_positions_follow_it(
    catalogue, measured
):
    again = sky.measure_field(catalogue, stream(3, "random"))
    pd.testing.assert_frame_equal(measured, again)
    other = sky.measure_field(catalogue, stream(4, "random"))
    same = measured["value"].fillna(-1.0) == other["value"].fillna(-1.0)
    changed = measured.loc[~same, "quantity"]
    assert len(changed) > 0
    assert changed.str.contains("random positions").all()


def test_from_fields_to_the_verdict(tmp_path, capsys):
    """The scripts, on one small field and few draws."""
    params = {"seed": 1, "dust_library": "compact", "filter_curves": {}, "area": AREA}
    params |= {"draws": 1000}
    names = [name for name in FILES if name != "stochastic_points"]
    params = SimpleNamespace(**params, reference=names)
    files = [str(tmp_path / f"{i}.csv") for i in range(2)]
    for i, path in enumerate(files):
        wildcards = SimpleNamespace(number=str(i))
        job = SimpleNamespace(params=params, wildcards=wildcards, output=[path])
        validate_sky.main(job)
    first, second = (pd.read_csv(path, comment="#") for path in files)
    counts = first["group"] == "counts"
    assert (first.loc[counts, "n"] != second.loc[counts, "n"]).mean() > 0.5
    assert "seed 1" in (tmp_path / "0.csv").read_text().splitlines()[0]
    draws = str(tmp_path / "draws.csv")
    points = REFERENCE / "egg_stochastic_points.csv"
    inputs = SimpleNamespace(points=points)
    validate_draws.main(SimpleNamespace(params=params, input=inputs, output=[draws]))
    output = {"summary": "s.csv", "agreement": "a.csv", "pdf": "v.pdf", "png": "v.png"}
    output = SimpleNamespace(**{k: str(tmp_path / v) for k, v in output.items()})
    paths = [REFERENCE / f"egg_{name}.csv" for name in names]
    inputs = SimpleNamespace(fields=files, draws=draws, grid=[], reference=paths)
    capsys.readouterr()
    job = SimpleNamespace(params=params, input=inputs, output=output)
    summarise_validation.main(job)
    lines = capsys.readouterr().out.splitlines()
    summary = pd.read_csv(output.summary, comment="#")
    groups = pd.read_csv(output.agreement, comment="#")
    pulls = pd.read_csv(draws, comment="#")
    agree = groups["agree"].sum()
    quantities = groups["quantities"].sum()
    assert f"{agree} of {quantities} statistics agree with EGG's." in lines
    named = lines[lines.index("These do not:") + 1 :] if agree < quantities else []
    assert len(named) == quantities - agree
    assert quantities - agree < 3 + 2 * groups["expected_beyond"].sum()
    judged = [table["agrees"].notna().sum() for table in (summary, pulls)]
    assert sum(judged) == quantities
    few = pulls["statistic"] == "p99.9"
    assert (pulls["agrees"].isna() == few).all()
    inputs.summary = output.summary
    with plt.rc_context({"savefig.dpi": 30}):
        plot_validation.main(SimpleNamespace(input=inputs, output=output))
    for name in ("v.pdf", "v.png"):
        assert (tmp_path / name).stat().st_size > 10_000
