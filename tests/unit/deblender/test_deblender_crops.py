"""The images of the training: where they come from and what is drawn for them."""

import numpy as np
import pytest
from scipy import stats

from superspire.deblender.crops import BORDER, Crops, blocks, turn
from superspire.deblender.inputs import FLUX_BANDS, LEAD, SPIRE_BANDS, count_signals
from superspire.deblender.labels import LABELS, source_labels
from superspire.deblender.skies import Field
from superspire.maps.cells import CELL, to_pixels

VARY = {
    "fraction": 0.4,
    "noise": [0.5, 8.0],
    "band_noise": 0.2,
    "stated": 0.1,
    "calibration": 0.05,
    "varying": 0.0,
    "gaps": 0.0,
    "depth": {},
    "absent": {},
}
COLOURS = np.array([2.0, 1.5, 1.0, 0.7])
"""Fluxes of the sources in all bands over that at 450 µm."""
SIDE = 48
"""Side of the fields [cell]."""


def make_field(seed=0, side=SIDE, number=60, signal=None, noise=None):
    rng = np.random.default_rng(seed)
    pixels = CELL * side
    x, y = rng.uniform(0, pixels, (2, number))
    flux = rng.pareto(1.5, number) + 1.0
    if signal is None:
        signal = rng.standard_normal((side, side, 3)).astype(np.float16)
    if noise is None:
        noise = rng.standard_normal((side, side, 3)).astype(np.float16)
    target = rng.standard_normal((pixels, pixels)).astype(np.float16)
    return Field(signal, noise, target, listed(x, y, flux))


def listed(x, y, flux):
    sources = np.column_stack([x, y, np.outer(flux, COLOURS)])
    return sources.astype(np.float32)


def make_crops(fields=None, number=64, size=16, batch=8, seed=1, **options):
    options = {"noise": 1.0, "noise_augmentation": None, "min_flux": 1.0, **options}
    return Crops(fields or [make_field()], number, size, batch, seed, **options)


def positions(side=SIDE):
    """Make a field whose maps tell their own position: row and column, band 0 and 1."""
    rows, columns = np.indices((side, side), dtype=np.float32)
    signal = np.stack([rows, columns, np.zeros_like(rows)], axis=-1)
    return make_field(side=side, signal=signal, noise=np.zeros_like(signal))


def test_shapes_and_types():
    crops = make_crops(number=20, batch=8)
    assert len(crops) == 3
    images, truth = crops[0]
    assert images.shape == (8, 16, 16, 6)
    assert truth["target"].shape == (8, 16, 16, 16)
    assert truth["labels"].shape == (8, 16, 16, 4, len(LABELS) + len(FLUX_BANDS))
    assert truth["seen"].shape == (8, 16, 16)
    assert {a.dtype for a in (images, *truth.values())} == {np.dtype("f4")}
    assert len(crops[2][0]) == 4


def flat(batch):
    images, truth = batch
    return np.concatenate([a.ravel() for a in (images, *truth.values())])


def test_same_seed_same_batches_in_any_order():
    first, second = (
        make_crops(noise_augmentation=VARY),
        make_crops(noise_augmentation=VARY),
    )
    forward = [flat(first[i]) for i in range(4)]
    backward = [flat(second[i]) for i in (3, 2, 1, 0)][::-1]
    for one, two in zip(forward, backward, strict=True):
        assert np.array_equal(one, two)
    assert np.array_equal(flat(first[2]), forward[2])


def test_other_seeds_and_other_batches_are_others():
    one, two = make_crops(seed=1), make_crops(seed=2)
    batches = [flat(one[0]), flat(one[1]), flat(two[0]), flat(two[1])]
    for i in range(4):
        for j in range(i):
            assert not np.array_equal(batches[i], batches[j])


def test_batches_are_independent_draws():
    """Noise levels of neighbouring batches and seeds are uncorrelated."""

    def levels(seed):
        crops = make_crops(seed=seed, noise_augmentation={**VARY, "fraction": 1.0})
        rngs = [np.random.default_rng([seed, number]) for number in range(400)]
        return np.log([crops.observation(rng).level[0, 0, 0] for rng in rngs])

    one, two = levels(5), levels(6)
    assert abs(np.corrcoef(one, two)[0, 1]) < 5 / np.sqrt(400)
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 5 / np.sqrt(400)


def test_the_fraction_of_images_that_depart():
    crops = make_crops(size=4, noise=1.5, noise_augmentation=VARY)
    rng = np.random.default_rng(3)
    drawn = [crops.observation(rng) for _ in range(5000)]
    usual = np.array([np.all(one.level == 1.5) for one in drawn])
    assert np.array_equal(usual, [np.all(one.scale == 1.0) for one in drawn])
    assert stats.binomtest(int((~usual).sum()), len(usual), 0.4).pvalue > 1e-5
    assert np.array_equal(usual, [np.array_equal(o.level, o.stated) for o in drawn])


def test_images_are_signal_times_scale_plus_noise_times_level():
    """The noise of the image has the level asked for, and no signal is lost."""
    shape = (SIDE, SIDE, 3)
    ones = np.ones(shape, np.float16)
    plain = make_crops([make_field(signal=3 * ones, noise=0 * ones)])[0][0]
    assert np.all(plain[..., :3] == 3.0)
    assert np.all(plain[..., 3:] == 1.0)
    field = make_field(signal=0 * ones)
    images = make_crops([field], noise=2.5, number=200, batch=200)[0][0]
    assert np.all(images[..., 3:] == 2.5)
    variance = np.var(field.noise[BORDER:-BORDER, BORDER:-BORDER].astype(float))
    error = 5 * np.sqrt(2 / (SIDE - 2 * BORDER) ** 2)
    assert np.var(images[..., :3]) == pytest.approx(2.5**2 * variance, rel=error)
    varied = make_crops(
        [make_field(signal=3 * ones, noise=0 * ones)],
        noise_augmentation={**VARY, "fraction": 1.0},
        number=100,
        batch=100,
    )[0][0]
    assert np.ptp(varied, axis=(1, 2)).max() == 0
    assert np.log(varied[:, 0, 0, :3] / 3).std() == pytest.approx(
        0.05, abs=5 * 0.05 / np.sqrt(600)
    )


def test_noise_is_that_of_its_cell_and_band_and_so_is_what_is_told():
    """Noise of one per native pixel shows the level itself, and its stated value."""
    ones = np.ones((SIDE, SIDE, 3), np.float16)
    field = make_field(signal=0 * ones, noise=ones)
    vary = {**VARY, "fraction": 1.0, "varying": 1.0, "calibration": 0.5, "stated": 0.0}
    images = make_crops([field], noise_augmentation=vary)[0][0]
    np.testing.assert_allclose(images[..., :3], images[..., 3:], rtol=1e-6)
    assert np.ptp(images, axis=(1, 2)).max() > 0.1
    vary["stated"] = 0.1
    images = make_crops([field], number=400, batch=400, noise_augmentation=vary)[0][0]
    error = np.log(images[:, 0, 0, 3:] / images[:, 0, 0, :3]).ravel() / 0.1
    assert stats.kstest(error, "norm").pvalue > 1e-5


def test_gaps_hold_nothing_and_only_cells_that_no_band_observed_are_unseen():
    ones = np.ones((SIDE, SIDE, 3), np.float16)
    vary = {**VARY, "fraction": 1.0, "gaps": 1.0}
    crops = make_crops(
        [make_field(signal=9 * ones, noise=0 * ones)],
        number=200,
        batch=200,
        noise_augmentation=vary,
    )
    images, truth = crops[0]
    observed = images[..., 3:] > 0
    assert np.all(images[..., :3][~observed] == 0)
    assert np.all(images[..., :3][observed] > 5)
    assert np.array_equal(truth["seen"], observed.any(axis=-1))
    assert 0.05 < 1 - truth["seen"].mean() < 0.6
    assert np.any(truth["seen"].astype(bool) & ~observed.all(axis=-1))
    assert make_crops()[0][1]["seen"].all()


def test_noise_and_signal_are_cut_at_different_places():
    """One sky with many noises: the position of the noise says nothing of the sky's."""
    rows, columns = np.indices((SIDE, SIDE), dtype=np.float32)
    signal = np.stack([rows, columns, 0 * rows], axis=-1)
    noise = np.stack([0 * rows, 0 * rows, SIDE * rows + columns], axis=-1)
    crops = make_crops(
        [make_field(signal=signal, noise=noise)], number=500, batch=500, flip=False
    )
    corner = crops[0][0][:, 0, 0]
    v, u = np.divmod(corner[:, 2], SIDE)
    for sky in (corner[:, 0], corner[:, 1]):
        for drawn in (v, u):
            assert abs(np.corrcoef(sky, drawn)[0, 1]) < 5 / np.sqrt(500)


def test_images_come_from_everywhere_but_the_border():
    side, size = 40, 16
    crops = make_crops(
        [positions(side)], number=2000, size=size, batch=2000, flip=False
    )
    corner = crops[0][0][:, 0, 0, :2]
    last = side - size - BORDER
    assert corner.min() == BORDER
    assert corner.max() == last
    for axis in corner.T:
        counts = np.bincount(axis.astype(int) - BORDER)
        assert stats.chisquare(counts).pvalue > 1e-5


def test_no_image_touches_the_border():
    field = make_field(side=32)
    arrays = [a.copy() for a in (field.signal, field.noise, field.target)]
    for array, border in zip(arrays, (BORDER, BORDER, BORDER * CELL), strict=True):
        inner = array[border:-border, border:-border].copy()
        array[:] = np.nan
        array[border:-border, border:-border] = inner
    crops = make_crops([Field(*arrays, field.sources)], number=200, batch=200)
    images, truth = crops[0]
    assert np.isfinite(images).all()
    assert np.isfinite(truth["target"]).all()


def test_a_field_that_an_image_fills_gives_that_image():
    field = make_field(side=2 * BORDER + 16)
    images, _ = make_crops([field], noise=0.0, flip=False)[0]
    inner = field.signal[BORDER:-BORDER, BORDER:-BORDER].astype("f4")
    assert not images[..., 3:].any()
    assert not images.any()
    field = make_field(side=2 * BORDER + 16, noise=np.zeros_like(field.noise))
    images, _ = make_crops([field], noise=1.0, flip=False)[0]
    assert np.array_equal(images[0, ..., :3], inner)


def test_all_fields_are_used_alike():
    levels = (1.0, 2.0, 3.0)
    ones = np.ones((SIDE, SIDE, 3), np.float16)
    fields = [make_field(signal=level * ones, noise=0 * ones) for level in levels]
    images = make_crops(fields, number=900, batch=900, size=8)[0][0]
    counts = np.bincount(images[:, 0, 0, 0].astype(int))[1:]
    assert stats.chisquare(counts).pvalue > 1e-5


def test_labels_are_those_of_the_field():
    """Sources beside an image count as they do in labels of the whole field."""
    base, side, size = make_field(number=150), SIDE, 16
    field = Field(positions(side).signal, 0 * base.noise, base.target, base.sources)
    crops = make_crops([field], size=size, number=40, batch=40, flip=False)
    images, truth = crops[0]
    x, y, *flux = base.sources.astype(float).T
    whole = source_labels(x, y, np.transpose(flux), 2 * side, LEAD)
    for image, labels in zip(images, truth["labels"], strict=True):
        row, column = 2 * image[0, 0, :2].astype(int)
        expected = whole[row : row + 2 * size, column : column + 2 * size]
        for i, name in enumerate((*LABELS, *FLUX_BANDS)):
            found = to_pixels(labels[..., i], 2)
            np.testing.assert_allclose(
                found, expected[..., i], atol=1e-3, err_msg=str(name)
            )


def test_faint_sources_are_not_asked_about():
    """The flux at 450 µm decides, though others are brighter."""
    sources = listed([96.5, 120.5], [96.5, 120.5], [2.9, 3.1])
    field = Field(
        *(getattr(make_field(), k) for k in ("signal", "noise", "target")), sources
    )
    crops = make_crops([field], size=32, min_flux=3.0, number=1, batch=1, flip=False)
    labels = crops[0][1]["labels"]
    fluxes = labels[labels[..., LABELS.index("weight")] > 0][:, len(LABELS) :]
    assert len(fluxes) > 10
    np.testing.assert_allclose(fluxes, np.log(3.1 * COLOURS) + 0 * fluxes, rtol=1e-5)


@pytest.mark.parametrize("flip", [False, True])
def test_signal_target_and_labels_show_one_source_at_one_place(flip):
    x0, y0, flux = 94.3, 101.8, 30.0
    y, x = np.indices((CELL * SIDE, CELL * SIDE))
    beam = flux * np.exp(-0.5 * ((x - x0) ** 2 + (y - y0) ** 2) / 3.35**2)
    signal = beam.reshape(SIDE, CELL, SIDE, CELL).mean(axis=(1, 3))[..., None]
    field = Field(
        np.repeat(signal, 3, axis=-1).astype(np.float16),
        np.zeros((SIDE, SIDE, 3), np.float16),
        beam.astype(np.float16),
        listed([x0], [y0], [flux]),
    )
    crops = make_crops([field], size=20, number=40, batch=40, flip=flip)
    images, truth = crops[0]
    seen = 0
    shown = zip(images, truth["target"], truth["labels"], strict=True)
    for image, target, labels in shown:
        if labels[3:-3, 3:-3, ..., 0].max() < 0.8:
            continue
        seen += 1
        pixels, total = to_pixels(target, CELL), target.sum()
        v, u = np.indices(pixels.shape)
        centre = (u * pixels).sum() / total, (v * pixels).sum() / total
        score = to_pixels(labels[..., 0], 2)
        row, column = np.unravel_index(score.argmax(), score.shape)
        dx, dy = (to_pixels(labels[..., i], 2)[row, column] for i in (1, 2))
        assert max(abs(dx), abs(dy)) <= 1.001
        assert 2 * column + 0.5 + dx == pytest.approx(centre[0], abs=0.03)
        assert 2 * row + 0.5 + dy == pytest.approx(centre[1], abs=0.03)
        n = image.shape[0]
        v, u = np.indices((n, n))
        light = image[..., 0]
        assert (4 * u + 1.5).ravel() @ light.ravel() / light.sum() == pytest.approx(
            centre[0], abs=0.05
        )
        assert (4 * v + 1.5).ravel() @ light.ravel() / light.sum() == pytest.approx(
            centre[1], abs=0.05
        )
    assert seen > 5


def turned_place(x, y, side, transform):
    if transform & 4:
        x, y = y, x
    if transform & 1:
        y = side - 1 - y
    if transform & 2:
        x = side - 1 - x
    return x, y


@pytest.mark.parametrize("transform", range(8))
def test_labels_of_a_turned_sky_are_the_turned_labels(transform):
    rng = np.random.default_rng(transform)
    size = 16
    x, y = rng.uniform(-12, 2 * size + 12, (2, 40))
    flux = rng.pareto(1.5, (40, 4)) + 1.0
    image = rng.standard_normal((4, 4, 3))
    target = rng.standard_normal((16, 16))
    labels = source_labels(x, y, flux, size, LEAD)
    before = labels.copy()
    moved = turned_place(x, y, 2 * size, transform)
    expected = source_labels(*moved, flux, size, LEAD)
    found = turn(image, target, labels, transform)
    np.testing.assert_allclose(found[2], expected, atol=1e-5)
    assert np.array_equal(labels, before)
    rows, columns = np.indices((16, 16))
    u, v = turned_place(columns, rows, 16, transform)
    turned = np.empty((16, 16))
    turned[v, u] = target
    assert np.array_equal(found[1], turned)
    rows, columns = np.indices((4, 4))
    u, v = turned_place(columns, rows, 4, transform)
    turned = np.empty((4, 4, 3))
    turned[v, u] = image
    assert np.array_equal(found[0], turned)


def test_the_eight_orientations_are_equally_likely():
    field = positions()
    crops = make_crops([field], number=1600, batch=1600, size=8)
    images = crops[0][0]
    steps = images[:, 1, 0, :2] - images[:, 0, 0, :2]
    across = images[:, 0, 1, :2] - images[:, 0, 0, :2]
    kinds = np.unique(np.hstack([steps, across]), axis=0, return_counts=True)
    assert len(kinds[0]) == 8
    assert stats.chisquare(kinds[1]).pvalue > 1e-5


@pytest.mark.parametrize("seed", range(3))
def test_pixels_of_a_cell_turn_with_the_cells(seed):
    """Bands of several pixels a cell show the target, whatever the orientation."""
    rng = np.random.default_rng(seed)
    bands = {250: 2, 450: 4, 500: 1}
    target = rng.standard_normal((CELL * SIDE, CELL * SIDE)).astype(np.float16)
    parts = []
    for pixels in bands.values():
        image = target.reshape(SIDE * pixels, CELL // pixels, SIDE * pixels, -1)
        image = image[:, 0, :, 0]
        parts.append(image.reshape(SIDE, pixels, SIDE, pixels).swapaxes(1, 2))
    signal = np.concatenate([p.reshape(SIDE, SIDE, -1) for p in parts], axis=-1)
    assert signal.shape[-1] == count_signals(bands)
    field = make_field()
    field = Field(signal, np.zeros_like(signal), target, field.sources)
    images, truth = make_crops([field], bands=bands, seed=seed, depth={450: 1.0})[0]
    for image, shown in zip(images, truth["target"], strict=True):
        np.testing.assert_array_equal(image[..., 4:20], shown)
    assert images.shape[-1] == 21 + 3


def test_all_bands_are_those_of_the_input():
    assert make_crops().bands == SPIRE_BANDS
    images, _ = make_crops(bands={250: 1, 500: 1}, fields=[two_bands()])[0]
    assert images.shape[-1] == 4


def two_bands():
    field = make_field()
    return Field(
        field.signal[..., :2], field.noise[..., :2], field.target, field.sources
    )


@pytest.mark.parametrize(("step", "channels"), [(2, 5), (4, 1)])
def test_blocks_are_undone_by_to_pixels(step, channels):
    images = np.random.default_rng(0).standard_normal((2, 16, 16, channels))
    cells = blocks(images, step)
    assert cells.shape == (2, 16 // step, 16 // step, step**2, channels)
    for b in range(2):
        for c in range(channels):
            assert np.array_equal(to_pixels(cells[b, ..., c], step), images[b, ..., c])
