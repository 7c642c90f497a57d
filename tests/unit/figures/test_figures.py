import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from helpers.evaluation_skies import paint
from superspire.figures import fig2_3_maps as maps
from superspire.figures import fig4_fluxes as fluxes
from superspire.figures import fig5_offsets as positions
from superspire.figures import fig6_stacks as stacks
from superspire.figures import fig7_completeness as recovery
from superspire.figures import style
from superspire.figures.style import DATASETS, plt


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def flux_table(rng, n=400):
    flux = rng.uniform(2, 40, n)
    columns = {"flux": flux, "flux_sr": flux * 0.9, "weight": 1.0}
    return pd.DataFrame(columns)


def test_saved_figures_are_the_same_bytes(tmp_path):
    for run in "ab":
        figure, axes = plt.subplots()
        axes.plot([1, 2])
        style.save(figure, tmp_path / f"{run}.pdf", tmp_path / f"{run}.png")
    for kind in ("pdf", "png"):
        first, second = ((tmp_path / f"{run}.{kind}").read_bytes() for run in "ab")
        assert first == second
        assert len(first) > 1000


def test_marks_lie_on_the_sources_of_the_map():
    """The brightest pixel is drawn where its circle is: East to the left."""
    image = paint(101, [20], [70], [5.0])
    _, axes = plt.subplots()
    shown = style.show_map(axes, image, 7.9)
    style.mark_sources(axes, [20], [70], 101)
    circle = axes.patches[-1]
    row, column = np.unravel_index(image.argmax(), image.shape)
    left, right, bottom, top = shown.get_extent()
    x = left + (column + 0.5) * (right - left) / 101
    y = bottom + (row + 0.5) * (top - bottom) / 101
    assert circle.center == pytest.approx((x, y))
    assert left > right
    assert top > bottom
    assert axes.patches[0].radius == pytest.approx(7.9 / 2)


def test_rich_and_typical_cutout_are_chosen_by_their_scatter(rng):
    scatter = rng.permutation(21) + 1.0
    images = [np.array([[-s, s]]) for s in scatter]
    rich, typical = maps.choose_cutouts(images)
    assert scatter[rich] == 20
    assert scatter[typical] == 11
    assert len(maps.choose_cutouts(images[:1])) == 1


def test_maps_show_five_panels_on_shared_scales(rng):
    row = {
        "title": "Typical",
        "sr": rng.normal(size=(64, 64)),
        "target": rng.normal(size=(64, 64)),
        "inputs": rng.normal(size=(64, 64, 3)),
        "sources": Table({"x": [10.0, 40.0], "y": [10.0, 30.0], "flux": [20.0, 2.0]}),
    }
    figure = maps.draw_maps([row, row])
    images = [axes.images[0] for axes in figure.axes if axes.images]
    assert len(images) == 10
    assert images[0].get_clim() == images[1].get_clim()
    circles = [p for p in images[0].axes.patches if not p.get_fill()]
    assert len(circles) == 1


def test_flux_bins_join_the_sets(rng):
    tables = {name: flux_table(rng) for name in DATASETS}
    bins = fluxes.flux_bins(tables)
    assert bins.groupby("dataset", sort=False).size().to_dict() == dict.fromkeys(
        DATASETS, fluxes.N_BINS
    )
    assert bins["mean"].to_numpy() == pytest.approx(0.9 * bins["flux"], rel=0.25)
    figure = fluxes.draw_fluxes(tables, bins)
    titles = [axes.get_title() for axes in figure.axes[: len(DATASETS)]]
    assert titles == list(style.TITLES.values())


def test_flux_figure_survives_a_set_without_sources(rng):
    tables = {"simulated": flux_table(rng), "observed": flux_table(rng, 0)}
    bins = fluxes.flux_bins(tables)
    assert set(bins["dataset"]) == {"simulated"}
    fluxes.draw_fluxes(tables, bins).canvas.draw()


def test_contours_of_offsets_that_do_not_depend_on_angle(rng):
    separation = np.hypot(*rng.normal(0, 2, (2, 20000)))
    angle = rng.uniform(0, 360, 20000)
    table = pd.DataFrame({"separation": separation, "angle": angle, "weight": 1.0})
    contours = positions.offset_contours({"simulated": table})
    expected = 2.0 * np.sqrt(-2 * np.log(1 - 0.68))
    assert contours["r68"].to_numpy() == pytest.approx(
        np.full(len(contours), expected), rel=0.05
    )
    assert contours["n"].iloc[0] == 20000
    assert np.isnan(contours["angle"].iloc[0])
    positions.draw_offsets({"simulated": table}, contours).canvas.draw()


def test_profiles_are_normalised_at_the_centre():
    image = paint(61, [30], [30], [4.0])
    images = {"sr_at_target": image, "target_at_target": 2 * image}
    table = stacks.profiles({"simulated": images})
    centre = table[table["radius"] == 0]
    assert centre["brightness"].tolist() == pytest.approx([4.0, 8.0])
    assert centre["normalised"].tolist() == [1.0, 1.0]
    width = {"n": 3, "fwhm": 7.9}
    widths = {"simulated": dict.fromkeys(images, width)}
    figure = stacks.draw_stacks({"simulated": images}, widths, table)
    labels = figure.axes[-1].get_legend_handles_labels()[1]
    assert labels[0] == "super-resolved: 7.9″ (n = 3)"


def fraction_table(protocol, measure, fraction):
    low = 3.0 * 2.0 ** (np.arange(4) / 2)
    return pd.DataFrame(
        {
            "protocol": protocol,
            "measure": measure,
            "flux_min": low,
            "flux_max": low * 2**0.5,
            "n_unique": [50.0, 50.0, 50.0, 1.0],
            "fraction": fraction,
            "low": fraction - 0.05,
            "high": fraction + 0.05,
            "chance": 0.1,
            "measurable": [False, True, True, True],
        }
    )


def test_recovery_draws_only_bins_that_can_be_judged():
    parts = [
        fraction_table("paper", "position", 0.9),
        fraction_table("strict", "position", 0.8),
        fraction_table("strict", "position and flux", 0.7),
    ]
    tables = {"independent": pd.concat(parts)}
    table = recovery.gather(tables, tables)
    assert table.groupby("quantity").size().tolist() == [12, 12]
    figure = recovery.draw_recovery(table)
    paper, _, strict, _ = figure.axes
    drawn = [c.lines[0].get_ydata() for c in paper.containers]
    assert [y.tolist() for y in drawn] == [[0.9, 0.9]]
    drawn = [c.lines[0].get_ydata()[0] for c in strict.containers]
    assert drawn == [0.8, 0.7]
