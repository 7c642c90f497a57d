"""Source finding in the graph against astropy and photutils on the same image."""

import numpy as np
import pytest
from keras import ops
from scipy.ndimage import gaussian_filter

from superspire.maps.background import background
from superspire.photometry.sources import aperture_fluxes, find_target_sources
from superspire.unet import detection

SIZE = 100


def sky(kind, seed=0):
    rng = np.random.default_rng(seed)
    image = np.full((SIZE, SIZE), 0.05)
    if kind == "noise":
        image += 0.01 * rng.standard_normal(image.shape)
    elif kind in ("crowded", "sparse", "saturated"):
        n = {"crowded": 400, "sparse": 5, "saturated": 60}[kind]
        points = np.zeros_like(image)
        where = rng.integers(0, SIZE, (2, n))
        np.add.at(points, tuple(where), rng.pareto(1.5, n) + 0.2)
        image += gaussian_filter(points, 3.35) * 0.5
        image += 1e-3 * rng.standard_normal(image.shape)
    elif kind == "edges":
        image[0, 0] = image[0, 50] = image[-1, -1] = image[40, -1] = 0.9
        image += 1e-3 * rng.standard_normal(image.shape)
    return np.clip(image, 0, 1).astype(np.float32)


KINDS = ["noise", "crowded", "sparse", "saturated", "edges"]


def tensors(image):
    images = ops.convert_to_tensor(image[None, ..., None])
    return images, detection.sorted_pixels(images)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_background_is_astropys(kind, seed):
    image = sky(kind, seed)
    _, ordered = tensors(image)
    got = [float(ops.squeeze(v)) for v in detection.background(ordered)]
    assert got == pytest.approx(background(image), rel=1e-4)


@pytest.mark.parametrize("kind", [*KINDS, "empty"])
@pytest.mark.parametrize("snr", [1.0, 3.0])
@pytest.mark.parametrize("seed", range(3))
def test_peaks_are_photutils(kind, snr, seed):
    image = sky(kind, seed)
    found = ops.convert_to_numpy(detection.find_peaks(*tensors(image), snr))
    y, x = np.nonzero(found[0, ..., 0])
    expected = find_target_sources(image, snr)[:2]
    if kind == "empty":
        assert len(x) == len(expected[0]) == 0
    assert set(zip(x, y, strict=True)) == set(zip(*expected, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_aperture_sums_are_photutils_everywhere(kind):
    image = sky(kind)
    images, _ = tensors(image)
    sums = ops.convert_to_numpy(detection.aperture_sums(images))[0, ..., 0]
    y, x = np.indices(image.shape).reshape(2, -1)[:, ::37]
    assert sums[y, x] == pytest.approx(aperture_fluxes(image, x, y, 10.0), rel=1e-5)


def test_median_and_its_gradient():
    import tensorflow as tf

    values = np.random.default_rng(1).permutation(16).astype(np.float32)
    images = tf.Variable(values.reshape(1, 4, 4, 1))
    with tf.GradientTape() as tape:
        value = detection.median(images, detection.sorted_pixels(images))
    assert float(value[0]) == 7.5
    gradient = tape.gradient(value, images).numpy().ravel()
    assert gradient[np.argsort(values)].tolist() == [0] * 7 + [0.5, 0.5] + [0] * 7
