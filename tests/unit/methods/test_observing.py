"""Skies under conditions, and their true sources as a table."""

from dataclasses import replace

import numpy as np
import pytest

from superspire.instruments import BANDS, PAPER_BANDS, SPIRE
from superspire.methods.beams import square_profile
from superspire.methods.conditions import (
    CONDITIONS,
    MAPPED_24,
    MIPS,
    SPIRE_ALONE,
    WITH_24,
)
from superspire.methods.observing import observe, truth_of
from superspire.seeds import stream
from superspire.sky.beams import beam_of, extended_beam
from superspire.sky.maps import field_wcs

CENTER, SIDE = (150.0, 2.0), 600.0


def galaxies(x, y, **fluxes):
    wcs, _ = field_wcs(CENTER, SIDE, 1.0)
    ra, dec = wcs.wcs_pix2world(x, y, 0)
    return {"RA": ra, "DEC": dec, **fluxes}


def test_truth_is_a_table_of_positions_and_fluxes():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 600, (2, 200))
    fluxes = {f"S{band}": rng.uniform(0, 6, 200) for band in PAPER_BANDS}
    area = (SIDE / 3600.0) ** 2
    for limit, options in ((1.0, {}), (3.0, {"min_flux": 3.0})):
        truth, size, wcs = truth_of(galaxies(x, y, **fluxes), CENTER, area, **options)
        kept = fluxes["S450"] >= limit
        assert 50 < kept.sum() < 190
        np.testing.assert_allclose(truth["x"], x[kept], atol=1e-4)
        np.testing.assert_allclose(truth["y"], y[kept], atol=1e-4)
        for band in PAPER_BANDS:
            expected = fluxes[f"S{band}"][kept]
            np.testing.assert_array_equal(truth[f"flux_{band}"], expected)
        assert truth["flux"].equals(truth["flux_450"].rename("flux"))
        assert truth["cutout"].eq(0).all()
        assert truth["weight"].eq(1.0).all()
        assert truth.index.tolist() == list(range(kept.sum()))
        assert size == 600
        assert wcs.to_header() == field_wcs(CENTER, SIDE, 1.0)[0].to_header()


def test_truth_of_a_sky_without_bright_sources():
    faint = {f"S{band}": np.full(3, 0.9) for band in PAPER_BANDS}
    x = np.array([10.0, 20.0, 30.0])
    truth, *_ = truth_of(galaxies(x, x, **faint), CENTER, (SIDE / 3600.0) ** 2)
    assert len(truth) == 0
    assert {"x", "y", "flux", *(f"flux_{band}" for band in PAPER_BANDS)} <= set(truth)


AREA = (SIDE / 3600.0) ** 2


def lattice(flux_24):
    """Sources at pixel centres of the 24 µm map, far from each other."""
    pixel = BANDS[MIPS].pixel
    x, y = (c.ravel() for c in np.meshgrid(*2 * [np.arange(20, 481, 20)]))
    wcs, _ = field_wcs(CENTER, SIDE, pixel)
    ra, dec = wcs.wcs_pix2world(x, y, 0)
    fluxes = {f"S{band}": np.full(len(x), 5.0) for band in PAPER_BANDS}
    return {"RA": ra, "DEC": dec, "S24": np.full(len(x), flux_24), **fluxes}, x, y


def observed(name, sky, **changes):
    condition = replace(CONDITIONS[name], **changes)
    return observe(condition, sky, CENTER, AREA, lambda *n: stream(1, *n))


def fitted(map_, beam, x, y, level=np.median):
    """Optimal flux of each source, above the sky level."""
    spread = square_profile(beam, BANDS[MIPS].pixel, BANDS[MIPS].pixel, 12.0)
    half = spread.shape[0] // 2
    data = map_.data - level(map_.data)
    boxes = [
        data[j - half : j + half + 1, i - half : i + half + 1]
        for i, j in zip(x, y, strict=True)
    ]
    return np.array([np.sum(b * spread) for b in boxes]) / np.sum(spread**2)


@pytest.mark.parametrize("beams", ["gaussian", "extended"])
@pytest.mark.parametrize("depth", [0.015, 0.06])
def test_isolated_sources_at_24_have_the_error_of_the_depth(beams, depth):
    beam = extended_beam(MIPS) if beams == "extended" else beam_of(MIPS)
    sky, x, y = lattice(0.0)
    fluxes = []
    for seed in range(4):
        condition = replace(CONDITIONS["mips_15"], depth_24=depth, beams=beams)
        maps = observe(condition, sky, CENTER, AREA, lambda *n, s=seed: stream(s, *n))
        fluxes.append(fitted(maps[MIPS], beam, x, y))
    assert np.std(fluxes) == pytest.approx(depth, rel=0.05)


def test_sources_at_24_have_their_fluxes():
    sky, x, y = lattice(3.0)
    map_ = observed("mips_15", sky, depth_24=1e-6)[MIPS]
    flux = fitted(map_, beam_of(MIPS), x, y, level=np.min)
    assert np.mean(flux) == pytest.approx(3.0, rel=0.01)


def test_a_tenth_of_the_galaxies_drops_out_at_24_alone():
    sky, x, y = lattice(3.0)
    normal, dropped = (observed(n, sky) for n in ("mips_15", "mips_dropouts"))
    ratio = fitted(dropped[MIPS], beam_of(MIPS), x, y) / 3.0
    faint = ratio < 0.5
    assert np.mean(faint) == pytest.approx(0.1, abs=3 * (0.09 / len(x)) ** 0.5)
    assert np.mean(ratio[faint]) == pytest.approx(0.1, abs=0.03)
    for band in SPIRE:
        np.testing.assert_array_equal(normal[band].data, dropped[band].data)


def test_a_map_at_24_changes_no_other_map():
    sky, *_ = lattice(3.0)
    alone, more = (observed(name, sky) for name in ("nominal", "mips_15"))
    assert set(alone) == set(SPIRE)
    assert set(more) == {MIPS, *SPIRE}
    assert more[MIPS].wcs.wcs.cdelt[1] * 3600 == pytest.approx(1.2)
    for band in SPIRE:
        np.testing.assert_array_equal(alone[band].data, more[band].data)


def test_every_condition_has_a_map_of_24_or_not():
    assert set(WITH_24) | set(SPIRE_ALONE) == set(CONDITIONS)
    assert {name.split("_")[0] for name in WITH_24} == {"mips", "list"}
    assert {name.split("_")[0] for name in MAPPED_24} == {"mips"}
    assert not any(CONDITIONS[name].depth_24 for name in SPIRE_ALONE)


@pytest.mark.parametrize("name", [name for name in WITH_24 if name not in MAPPED_24])
def test_a_list_is_rendered_without_noise(name):
    """A source above the limit has a peak of its flux, or that of any; others none."""
    condition = CONDITIONS[name]
    wcs = field_wcs(CENTER, 300.0, 1.0)[0]
    ra, dec = wcs.wcs_pix2world([150.0, 60.0], [150.0, 60.0], 0)
    fluxes = {f"S{band}": np.array([20.0, 10.0]) for band in PAPER_BANDS}
    galaxies = {"RA": ra, "DEC": dec, "S24": np.array([1.0, 0.01]), **fluxes}
    area = (300.0 / 3600.0) ** 2
    map_ = observe(condition, galaxies, CENTER, area, lambda *names: stream(1, *names))
    data = map_[MIPS].data
    flux = 1.0 if condition.listed_24["with_fluxes"] else 0.1
    wrong = condition.listed_24["wrong"] > 0
    assert data.max() == pytest.approx(flux, rel=0.06) or wrong
    faint = map_[MIPS].wcs.wcs_world2pix(ra[1:], dec[1:], 0)
    x, y = (int(np.round(each[0])) for each in faint)
    assert wrong or abs(data[y, x]) < 0.01 * flux
