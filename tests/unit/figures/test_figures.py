import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from helpers.evaluation_skies import paint
from superspire.evaluation.fluxes import N_BINS
from superspire.evaluation.stacking import combine_groups, stacked_profile
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


TITLES = style.sky_titles(mocked=True)


def flux_table(rng, n=400):
    """Pairs of fluxes of two selections, of which the second goes below zero."""
    parts = []
    for selection, low in (("super-resolved", 2.0), ("true", -1.5)):
        flux = rng.uniform(low, 40, n)
        columns = {"selection": selection, "measure": "aperture", "flux": flux}
        parts.append(pd.DataFrame({**columns, "flux_sr": flux * 0.9, "weight": 1.0}))
    table = pd.concat(parts, ignore_index=True)
    return pd.concat([table, table.assign(measure="peak")], ignore_index=True)


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


def cutout(rng):
    return {
        "title": "Typical",
        "sr": rng.normal(size=(64, 64)),
        "target": rng.normal(size=(64, 64)),
        "inputs": rng.normal(size=(64, 64, 3)),
        "sources": Table({"x": [10.0, 40.0], "y": [10.0, 30.0], "flux": [20.0, 2.0]}),
    }


def test_maps_to_compare_are_large_and_on_one_scale(rng):
    figure = maps.draw_maps([cutout(rng), cutout(rng)])
    figure.canvas.draw()
    panels = [axes for axes in figure.axes if axes.images]
    assert len(panels) == 10
    assert panels[0].images[0].norm is panels[1].images[0].norm
    circles = [p for p in panels[0].patches if not p.get_fill()]
    assert len(circles) == 1
    widths = [axes.get_window_extent().width for axes in panels[:5]]
    assert min(widths[:2]) > 1.4 * max(widths[2:])
    bars = [axes for axes in figure.axes if not axes.images]
    assert len(bars) == 8
    assert {len(axes.get_xticks()) for axes in panels} == {3}


def test_flux_bins_join_the_sets(rng):
    tables = {name: flux_table(rng) for name in DATASETS}
    bins = fluxes.flux_bins(tables)
    sizes = bins.groupby(["dataset", "selection"], sort=False).size()
    assert set(sizes) == {N_BINS}
    assert list(sizes.index.unique("dataset")) == list(DATASETS)
    own = bins[bins["selection"] == "super-resolved"]
    assert own["mean"].to_numpy() == pytest.approx(0.9 * own["flux"], rel=0.25)


def test_every_source_of_figure_4_lies_inside_its_axes(rng):
    table = flux_table(rng)
    table.loc[0, ["flux", "flux_sr"]] = -3.4, 180.0
    tables = {"simulated": table, "observed": flux_table(rng)}
    figure = fluxes.draw_fluxes(tables, fluxes.flux_bins(tables), TITLES)
    for axes, (name, pairs) in zip(figure.axes, tables.items(), strict=False):
        own = fluxes.aperture_pairs(pairs, "super-resolved")
        (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert own["flux"].between(low, high).all()
        assert own["flux_sr"].between(bottom, top).all()
        drawn = axes.collections[0].get_array().compressed().sum()
        assert drawn == pytest.approx(100.0)
        assert axes.get_title() == TITLES[name]
        texts = [text.get_text() for text in axes.texts]
        assert f"n = {len(own)}" in texts
        assert "Eddington\nbias" in texts


def test_bins_of_figure_4_are_drawn_as_ranges(rng):
    tables = {"simulated": flux_table(rng)}
    bins = fluxes.flux_bins(tables)
    axes = fluxes.draw_fluxes(tables, bins, TITLES).axes[0]
    across = axes.containers[0].lines[2][0].get_segments()
    own = bins[bins["selection"] == "super-resolved"]
    for segment, row in zip(across, own.itertuples(), strict=True):
        assert segment[:, 0] == pytest.approx([row.flux_min, row.flux_max])


def test_flux_figure_survives_a_set_without_sources(rng):
    tables = {"simulated": flux_table(rng), "observed": flux_table(rng, 0)}
    bins = fluxes.flux_bins(tables)
    assert set(bins["dataset"]) == {"simulated"}
    fluxes.draw_fluxes(tables, bins, TITLES).canvas.draw()


def offset_table(rng, n, sigma=2.0):
    x, y = rng.normal(0, sigma, (2, n))
    angle = np.degrees(np.arctan2(y, x)) % 360.0
    columns = {"separation": np.hypot(x, y), "angle": angle, "weight": 1.0}
    return pd.DataFrame(columns)


def test_contours_hold_the_fraction_that_they_promise(rng):
    table = offset_table(rng, 20000)
    table.loc[:999, "separation"] = rng.uniform(20, 50, 1000)
    angle, offset, density = positions.offset_density(table)
    for level in (0.68, 0.95, 0.99):
        (threshold,) = positions.density_thresholds(density, (level,))
        rows = np.argmin(abs(np.log(offset[:, None] / table["separation"].array)), 0)
        columns = np.argmin(abs(angle[:, None] - table["angle"].array), 0)
        inside = density[rows, columns] >= threshold
        assert inside.mean() == pytest.approx(level, abs=0.02)


def test_density_is_the_same_on_both_sides_of_west(rng):
    table = offset_table(rng, 4000)
    turned = table.assign(angle=(table["angle"] + 180.0) % 360.0)
    density, other = (positions.offset_density(t)[2] for t in (table, turned))
    assert np.roll(density, density.shape[1] // 2, axis=1) == pytest.approx(other)


def test_regions_of_offsets_that_do_not_depend_on_angle(rng):
    contours = positions.offset_contours({"simulated": offset_table(rng, 20000)})
    whole = contours[contours["angle"].isna()].set_index("level")["high"]
    assert whole[0.68] == pytest.approx(2.0 * np.sqrt(-2 * np.log(0.32)), rel=0.02)
    regions = contours[contours["angle"].notna()].groupby("level")
    ends = regions["high"].mean()
    assert ends[0.68] < ends[0.95] < ends[0.99]
    assert regions["high"].std().max() < 0.6
    assert (regions["low"].mean() > 0).all()


def test_few_sources_have_no_contours(rng):
    table = offset_table(rng, 300).assign(weight=0.05)
    assert positions.offset_contours({"simulated": table})["angle"].isna().all()
    figure = positions.draw_offsets({"simulated": table}, TITLES)
    figure.canvas.draw()
    assert not figure.axes[0].collections
    empty = {"simulated": table[:0]}
    positions.draw_offsets(empty, TITLES).canvas.draw()
    assert positions.offset_contours(empty)["high"].isna().all()


def test_stacks_show_errors_and_the_noise_of_the_target(rng):
    groups = paint(61, [30], [30], [4.0]) + rng.normal(0, 0.2, (8, 61, 61))
    counts = np.full(8, 3)
    image, record = combine_groups(groups, counts)
    names = list(stacks.PROFILES)
    widths = {"simulated": dict.fromkeys(names, record | {"n_distinct": 24.0})}
    table = pd.concat(
        stacked_profile(groups, counts).assign(stack=name, dataset="simulated")
        for name in names
    )
    images = {"simulated": dict.fromkeys(names, image)}
    axes = stacks.draw_stacks(images, widths, table, TITLES).axes[-1]
    labels = axes.get_legend_handles_labels()[1]
    width, error = record["fwhm"], record["fwhm_error"]
    assert f"super-resolved: {width:.2f} ± {error:.2f}″\n(n = 24)" in labels
    drawn = axes.containers[0].lines[2][0].get_segments()
    half = [0.5 * (segment[1, 1] - segment[0, 1]) for segment in drawn]
    assert half == pytest.approx(table["normalised_error"][: len(half)].tolist())
    (band,) = axes.patches
    assert band.get_height() == pytest.approx(2 * record["noise"] / record["peak"])


def test_a_stack_without_a_width_is_drawn(rng):
    none = {"n": 0, "n_distinct": 0.0, "fwhm": None, "fwhm_error": None}
    assert stacks.width_text(none) == "no fit (n = 0)"
    seen = {"n": 90, "n_distinct": 6.2, "fwhm": 8.0, "fwhm_error": None}
    assert stacks.width_text(seen) == "8.00″\n(n = 90, 6 distinct)"


def fraction_table(protocol, measure, fraction):
    low = 3.0 * 2.0 ** (np.arange(4) / 2)
    return pd.DataFrame(
        {
            "protocol": protocol,
            "measure": measure,
            "flux_min": low,
            "flux_max": low * 2**0.5,
            "n_distinct": [50.0, 50.0, 50.0, 1.0],
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
        fraction_table("paper", "position and flux", 0.6),
        fraction_table("strict", "position", 0.8),
        fraction_table("strict", "position and flux", 0.7),
    ]
    tables = {"independent": pd.concat(parts)}
    table = recovery.gather(tables, tables)
    assert table.groupby("quantity").size().tolist() == [16, 16]
    figure = recovery.draw_recovery(table, TITLES)
    for row in (figure.axes[:3], figure.axes[3:]):
        drawn = [axes.containers[0].lines[0].get_ydata() for axes in row]
        assert [y.tolist() for y in drawn] == [[0.9] * 2, [0.8] * 2, [0.7] * 2]
    single = recovery.draw_recovery(table, TITLES, ("purity",))
    assert len(single.axes) == 3


@pytest.mark.parametrize(
    ("mocked", "name"), [(True, "Mock COSMOS"), (False, "Observed")]
)
def test_a_mock_is_called_a_mock(mocked, name):
    titles = style.sky_titles(mocked)
    assert set(titles) == set(DATASETS)
    assert titles["observed"].startswith(name)
    assert "mock" in titles["independent"]
