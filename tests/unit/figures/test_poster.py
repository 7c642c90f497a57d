import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord

from superspire.figures import poster
from superspire.figures.style import plt
from superspire.instruments import BANDS, PAPER_BANDS
from superspire.io import Map
from superspire.sky.maps import field_wcs

CENTRE = SkyCoord(150.1, 2.2, unit=units.deg)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture
def maps():
    rng = np.random.default_rng(1)
    made = {}
    for band in PAPER_BANDS:
        wcs, n = field_wcs((150.1, 2.2), 400.0, BANDS[band].pixel)
        made[band] = Map(rng.normal(0, 2, (n, n)).astype("f4"), wcs)
    return made


def panels(figure):
    return [axes for axes in figure.axes if hasattr(axes, "coords")]


def test_the_middle_is_that_of_what_was_observed(maps):
    map_ = maps[450]
    centre = poster.middle_of(map_)
    assert centre.separation(CENTRE).arcsec < 1e-3
    half = map_.data.copy()
    half[:, :200] = np.nan
    west = poster.middle_of(Map(half, map_.wcs))
    assert (west.ra - CENTRE.ra).arcsec == pytest.approx(-100, abs=0.2)


@pytest.mark.parametrize("band", [250, 450])
def test_a_cut_keeps_the_sky(maps, band):
    map_ = maps[band]
    image, wcs, pixel = poster.cut(map_, CENTRE, 120.0)
    assert pixel == pytest.approx(BANDS[band].pixel)
    assert image.shape == (round(120 / pixel),) * 2
    row, column = 3, 5
    x, y = map_.wcs.world_to_pixel(wcs.pixel_to_world(column, row))
    assert image[row, column] == map_.data[round(float(y)), round(float(x))]


def test_sky_beyond_a_map_is_unknown(maps):
    image, _, _ = poster.cut(maps[500], CENTRE, 600.0)
    assert 0.5 < np.isnan(image).mean() < 0.7


def test_maps_are_drawn_in_their_own_pixels(maps):
    shown = panels(poster.draw_inputs(maps, CENTRE, True))
    titles = [axes.get_title() for axes in shown]
    assert titles == [f"Mock Herschel SPIRE {band} µm" for band in (250, 350, 500)]
    sides = [axes.images[0].get_array().shape[0] for axes in shown]
    assert sides == [100, 72, 50]
    (target,) = panels(poster.draw_target(maps, CENTRE, False))
    assert target.get_title() == "JCMT SCUBA-2 450 µm"
    assert target.images[0].get_array().shape == (600, 600)


def test_sources_are_circled_where_they_are(maps):
    source = SkyCoord([150.12], [2.21], unit=units.deg)
    figure = poster.draw_sources(maps, CENTRE, True, source)
    (axes,) = panels(figure)
    figure.canvas.draw()
    circle = axes.patches[-1]
    outline = circle.get_transform().transform(circle.get_xy())
    x, y = axes.transData.inverted().transform(outline).mean(axis=0)
    expected = axes.wcs.world_to_pixel(source[0])
    assert [x, y] == pytest.approx(np.array(expected).tolist(), abs=0.1)


@pytest.mark.parametrize("fwhm", [8.1, None])
def test_a_stack_tells_its_width(fwhm):
    y, x = np.indices((61, 61)) - 30
    image = 9.0 * np.exp(-0.5 * (x**2 + y**2) / 3.4**2)
    record = {"fwhm": fwhm, "fwhm_error": 0.2, "n": 7}
    figure = poster.draw_stack(image, record, "Mock sky", "Super-resolved")
    title = figure.axes[0].get_title()
    assert "n = 7" in title
    assert "mock sky" in title
    assert ("FWHM 8.10 ± 0.20″" if fwhm else "no fit") in title
    figure.canvas.draw()
