import itertools

import numpy as np
import pytest
from astropy.table import Table
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from superspire.errors import InputError
from superspire.instruments import BANDS, PAPER_BANDS
from superspire.seeds import stream
from superspire.sky.catalogue import (
    expected_below,
    inverse_gnomonic,
    simulate_catalogue,
    simulate_parts,
    whole_slices,
)
from superspire.sky.clustering import clustering_slices


def tangent_plane(catalogue, center):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.cdelt, wcs.wcs.crpix = center, [1.0, 1.0], [1.0, 1.0]
    return wcs.all_world2pix(catalogue["RA"], catalogue["DEC"], 0)


@pytest.mark.parametrize("band", PAPER_BANDS)
def test_counts(field, reference, band):
    """The reference is 20 deg²; its bins are 0.1 dex wide from 0.1 mJy on."""
    table = reference("egg_counts_differential")
    table = table[table.band_um == band]
    flux = np.array(field[f"S{band}"])
    for limit in (0.1, 1.0, 10**0.3, 10**0.7, 10.0):
        rows = table[table.S_lo_mJy > limit * 0.99]
        expected = rows.N.sum() / 20.0
        top = rows.S_hi_mJy.max()
        found = np.sum((flux >= rows.S_lo_mJy.min()) & (flux < top))
        noise = np.sqrt(expected * 1.05)
        assert abs(found - expected) < 4.0 * noise + 0.01 * expected


@pytest.mark.parametrize("band", PAPER_BANDS)
def test_background(field, reference, band):
    row = reference("egg_background").set_index("band_um").loc[band]
    total = np.sum(field[f"S{band}"], dtype=float)
    # The scatter is that of 4 deg².
    tolerance = 4.0 * 2.0 * row["fsd"]
    assert total == pytest.approx(row["total_mJy_deg-2"], abs=tolerance)


def test_redshifts_of_bright_sources(field, reference):
    for row in reference("egg_redshift_summary").itertuples():
        z = np.array(field["Z"])[field["S450"] > float(row.selection_mJy[5:])]
        error = 0.5 * (row.p84 - row.p16) / np.sqrt(len(z))
        assert z.mean() == pytest.approx(row.z_mean, abs=4.5 * error)
        for percent in (16, 25, 50, 75, 84):
            expected = getattr(row, f"p{percent}")
            found = np.percentile(z, percent)
            assert found == pytest.approx(expected, abs=8.0 * error + 0.01)


@pytest.mark.parametrize("log_lir", [8.0, 9.0, 9.5, 10.0, 11.0])
def test_what_a_threshold_keeps(field, reference, log_lir):
    table = reference("egg_lir_threshold")
    keep = np.array(field["LOGLIR"]) >= log_lir
    for row in table[table.logLIR_min == log_lir].to_dict("records"):
        flux = np.array(field[f"S{row['band_um']}"], dtype=float)
        fraction = row["frac_galaxies_kept_of_M>1e8"]
        noise = np.sqrt(fraction / len(field))
        assert keep.mean() == pytest.approx(fraction, abs=5.0 * noise + 1e-3)
        assert flux[keep].sum() / flux.sum() == pytest.approx(
            row["frac_background"], abs=4e-3
        )
        assert np.sum(flux[keep] ** 2) / np.sum(flux**2) == pytest.approx(
            row["frac_S2"], abs=0.03
        )


def test_mass_floor_loses_hardly_anything(compact, reference):
    """The floor loses 0.6 % of the galaxies above the threshold (two deg²)."""
    area = 2.0
    catalogue = simulate_catalogue(area, 3, log_lir_min=9.5, dust=compact)
    table = reference("egg_lir_threshold")
    rows = table[table.logLIR_min == 9.5].set_index("band_um")
    kept = rows["N_kept_deg-2"].iloc[0]
    assert len(catalogue) / area / kept == pytest.approx(0.994, abs=0.004)
    assert np.min(catalogue["LOGLIR"]) >= 9.5
    background = reference("egg_background").set_index("band_um")
    for band in PAPER_BANDS:
        expected = background.loc[band, "total_mJy_deg-2"]
        expected *= rows.loc[band, "frac_background"]
        total = np.sum(catalogue[f"S{band}"], dtype=float) / area
        tolerance = 4.0 * np.sqrt(2.0) * background.loc[band, "fsd"]
        assert total == pytest.approx(expected, abs=tolerance)


def test_clustering_raises_the_confusion_noise(field):
    """By 10.6 % at 500 um (with 2 % for the field), nearly independent of it."""
    x, y = (3600.0 * a for a in tangent_plane(field, (10.0, 0.0)))
    rng = np.random.default_rng(1)
    positions = [(x, y), rng.uniform(-1800.0, 1800.0, (2, len(x)))]
    sigmas = []
    for px, py in positions:
        grid = np.histogram2d(
            py, px, bins=900, range=[[-1800, 1800]] * 2, weights=field["S500"]
        )[0]
        sigma = BANDS[500].sigma / 4.0
        smooth = gaussian_filter(grid, sigma, mode="constant") * 2 * np.pi * sigma**2
        sigmas.append(smooth[20:-20, 20:-20].std())
    assert sigmas[1] == pytest.approx(5.11, rel=0.08)
    assert sigmas[0] / sigmas[1] == pytest.approx(1.106, abs=0.05)


def test_columns_and_units(field):
    names = ["RA", "DEC", "Z", "LOGM", "PASSIVE", "LOGLIR", "TDUST"]
    assert field.colnames == [*names, "S250", "S350", "S450", "S500"]
    assert field["S250"].unit == "mJy"
    assert field["RA"].unit == "deg"
    assert field["RA"].dtype == np.float64
    assert field["PASSIVE"].dtype == bool
    assert field["Z"].dtype == np.float32
    assert field.meta["AREA"] == 1.0
    assert field.meta["LOGLMIN"] == "none"
    for name in field.colnames:
        assert np.isfinite(np.asarray(field[name], dtype=float)).all()
    assert field["Z"].min() >= np.float32(0.1)
    assert field["Z"].max() <= 6.0


def test_fits_round_trip(field, tmp_path):
    field[:100].write(tmp_path / "catalogue.fits")
    back = Table.read(tmp_path / "catalogue.fits")
    for name in field.colnames:
        np.testing.assert_array_equal(back[name], field[name][:100])
    assert back.meta["ZMAX"] == 6.0
    assert any("Salpeter" in line for line in back.meta["comments"])


@pytest.mark.parametrize("center", [(0.0, 0.0), (150.12, 2.21), (359.9, -60.0)])
def test_galaxies_fill_the_square(compact, center):
    catalogue = simulate_catalogue(0.25, 1, center=center, dust=compact)
    assert np.all((catalogue["RA"] >= 0.0) & (catalogue["RA"] < 360.0))
    for x in tangent_plane(catalogue, center):
        assert np.abs(x).max() <= 0.25 + 1e-9
        assert np.abs(x).max() > 0.249
        assert x.mean() == pytest.approx(0.0, abs=0.01)
        assert x.std() == pytest.approx(0.5 / np.sqrt(12.0), rel=0.05)


def test_projection_is_that_of_fits():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-5.0, 5.0, (2, 100))
    for center in ((150.0, 2.0), (0.1, -70.0), (200.0, 89.0)):
        ra, dec = inverse_gnomonic(x, y, center)
        found = tangent_plane({"RA": ra, "DEC": dec}, center)
        np.testing.assert_allclose(found, (x, y), atol=1e-9)


def test_same_seed_same_catalogue(compact):
    first, again, other = (
        simulate_catalogue(0.05, stream(7, "catalogue", sky), dust=compact)
        for sky in ("simulated_0", "simulated_0", "observed")
    )
    for name in first.colnames:
        np.testing.assert_array_equal(first[name], again[name])
    assert len(np.intersect1d(first["S250"], other["S250"])) < 0.02 * len(first)
    assert len(np.intersect1d(first["RA"], other["RA"])) == 0
    by_seed = simulate_catalogue(0.05, 7, dust=compact)
    np.testing.assert_array_equal(
        by_seed["Z"], simulate_catalogue(0.05, 7, dust=compact)["Z"]
    )


def test_unclustered(compact):
    catalogue = simulate_catalogue(0.1, 1, clustering=False, dust=compact)
    assert catalogue.meta["CLUSTER"] is False
    clustered = simulate_catalogue(0.1, 1, clustering=True, dust=compact)
    np.testing.assert_array_equal(catalogue["Z"], clustered["Z"])
    assert not np.array_equal(catalogue["RA"], clustered["RA"])


def test_expected_numbers_below_a_redshift():
    expected = expected_below(1.0, 0.1, 6.0)
    assert expected([0.0, 0.1]).tolist() == [0.0, 0.0]
    assert expected(10.0) == pytest.approx(1_077_659, abs=5)


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        ({"area": 0.0}, "area"),
        ({"area": 0.0015}, "area: expected at least 0.0016 deg² for clustered"),
        ({"area": 101.0}, "area"),
        ({"area": np.nan}, "area"),
        ({"z_min": 0.0}, "z_min"),
        ({"z_min": 3.0, "z_max": 2.0}, "z_max"),
        ({"z_max": 20.0}, "z_max"),
        ({"log_mass_min": 12.0}, "log_mass_min"),
        ({"log_mass_min": 1e8}, "log_mass_min"),
        ({"log_lir_min": 15.0}, "log_lir_min"),
        ({"center": (150.0, 120.0)}, "center"),
    ],
)
def test_impossible_requests(compact, request_, key):
    request_ = {"area": 0.01} | request_
    with pytest.raises(InputError, match=key):
        simulate_catalogue(request_.pop("area"), 1, dust=compact, **request_)


def test_seed_densities_and_poisson_numbers_are_options(compact):
    def fields(**options):
        return [
            simulate_catalogue(
                0.05,
                stream(9, "options", i),
                z_max=1.0,
                log_lir_min=None,
                dust=compact,
                **options,
            )
            for i in range(3)
        ]

    fixed = [len(field) for field in fields(cluster_seeds=60.0)]
    drawn = [len(field) for field in fields(poisson=True)]
    own = fields(cluster_seeds="egg")
    assert np.ptp(fixed) < 0.2 * np.sqrt(fixed[0])
    assert np.ptp(drawn) > 0.2 * np.sqrt(fixed[0])
    assert own[0].meta["SEEDS"] == "egg"
    assert fields(poisson=True)[0].meta["POISSON"]


def test_the_parts_are_the_catalogue_in_order_of_redshift(compact):
    options = {"log_lir_min": 10.0, "dust": compact}
    parts = list(simulate_parts(0.3, 5, **options))
    whole = simulate_catalogue(0.3, 5, **options)
    assert len(parts) > 10
    for name in whole.colnames:
        joined = np.concatenate([part[name] for part in parts])
        np.testing.assert_array_equal(joined, whole[name])
    edges = clustering_slices(6.0)
    slices = [set(np.searchsorted(edges, p["Z"], side="right")) for p in parts]
    for before, after in itertools.pairwise(slices):
        assert max(before) < min(after)


@given(
    widths=st.lists(st.floats(0.001, 0.5), min_size=1, max_size=40),
    sizes=st.lists(st.integers(0, 9), min_size=40, max_size=40),
)
def test_slices_are_never_cut(widths, sizes):
    """Whatever the slices of the draws, galaxies that cluster stay together."""
    bounds = 0.1 + np.concatenate([[0.0], np.cumsum(widths)])
    rng = np.random.default_rng(0)
    edges = clustering_slices(bounds[-1])
    drawn = [
        {"Z": rng.uniform(low, high, n)}
        for low, high, n in zip(bounds[:-1], bounds[1:], sizes, strict=False)
    ]
    source = [(part["Z"].min(), part) for part in drawn if len(part["Z"])]
    groups = [group["Z"] for group in whole_slices(iter(source), edges)]
    slices = [set(np.searchsorted(edges, z, side="right")) for z in groups]
    assert sum(map(len, slices)) == len(set().union(*slices))
    total = sum(len(part["Z"]) for _, part in source)
    assert sum(map(len, groups)) == total
    assert all(len(z) for z in groups)
