"""The network of the deblender: shapes, scales and what it predicts untrained."""

import keras
import numpy as np
import pytest

from superspire.deblender.architecture import (
    BRIGHTEST,
    LOG_ERROR,
    LOG_POS_ERR,
    LOG_SIGMA,
    LOOKS,
    MULTIPLE,
    OUTPUTS,
    USUAL_LOOK,
    Views,
    begin_from,
    build_deblender,
    unpack,
)
from superspire.deblender.inputs import FLUX_BANDS, SPIRE_BANDS, make_input
from superspire.errors import InputError
from superspire.maps.cells import to_pixels
from superspire.training.backend import BatchNormalization

TINY = {"base_filters": 4, "blocks": (1, 1, 1, 1)}


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(1)
    return build_deblender(**TINY)


def sky(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 10, shape).astype("f4")


def inputs(*shape, seed=0):
    """Draw maps of three bands and their noise, with gaps in each."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(1.0, 6.0, (*shape, 3)) * (rng.random((*shape, 3)) > 0.1)
    return make_input(sky(*shape, 3, seed=seed), noise, SPIRE_BANDS)


def test_numbers_of_a_cell():
    assert FLUX_BANDS == (250, 350, 450, 500)
    assert OUTPUTS == 16 + 1 + (4 + 2 * 4) * 4


@pytest.mark.parametrize("shape", [(16, 16), (8, 24), (32, 8)])
def test_any_multiple_of_eight_goes_in_and_comes_out(network, shape):
    assert MULTIPLE == 8
    outputs = network.predict_on_batch(inputs(2, *shape))
    assert outputs.shape == (2, *shape, OUTPUTS)
    assert outputs.dtype == np.float32
    assert np.isfinite(outputs).all()


def test_a_network_of_a_fixed_size_has_the_same_weights(network):
    fixed = build_deblender(16, **TINY)
    fixed.set_weights(network.get_weights())
    images = inputs(1, 16, 16)
    np.testing.assert_allclose(
        fixed.predict_on_batch(images), network.predict_on_batch(images), atol=1e-5
    )
    assert fixed.input_shape == (None, 16, 16, 6)


def test_names_of_weights_are_the_same_in_every_build(network):
    """By these names weights are read from files."""
    paths = [v.path for v in network.variables]
    assert len(set(paths)) == len(paths)
    assert paths == [v.path for v in build_deblender(**TINY).variables]


def test_scales_and_widths_of_the_published_network():
    network = build_deblender(64)
    for scale, width in enumerate((16, 32, 64, 64)):
        side = 64 // 2**scale
        shape = network.get_layer(f"down{scale}_1_relu").output.shape
        assert shape == (None, side, side, width)
        if scale < 3:
            shape = network.get_layer(f"up{scale}_1_relu").output.shape
            assert shape == (None, side, side, width)
    assert network.get_layer("last_relu").output.shape[-1] == 64
    assert network.get_layer("answer").kernel_size == (1, 1)
    assert network.get_layer("stem").kernel_size == (5, 5)


def test_blocks_and_widths_may_be_chosen():
    bands = {250: 2, 500: 1}
    network = build_deblender(None, 2, blocks=(1, 2, 1), widths=(1, 3, 5), bands=bands)
    images = np.abs(sky(1, 8, 8, 5 + 2))
    assert network.predict_on_batch(images).shape == (1, 8, 8, OUTPUTS)
    assert network.get_layer("down2_0_relu").output.shape[-1] == 10
    names = [layer.name for layer in network.layers]
    assert "down1_1_relu" in names
    assert "down2_1_relu" not in names


@pytest.mark.parametrize("bands", [{250: 1, 350: 1, 500: 1}, {24: 2, 250: 2, 850: 1}])
def test_maps_are_seen_in_three_views_and_noise_in_two(bands):
    rng = np.random.default_rng(1)
    signals = sum(pixels**2 for pixels in bands.values())
    maps = rng.normal(0, 10, (1, 6, 6, signals))
    noise = rng.uniform(0.5, 8.0, (1, 6, 6, len(bands)))
    noise[:, :2, 1:4] = 0.0
    looks = np.array([LOOKS.get(band, USUAL_LOOK) for band in bands])
    scale, knee, usual = looks.T
    pixels = np.square(list(bands.values()))
    own_scale, own_knee = (np.repeat(each, pixels) for each in (scale, knee))
    x = np.concatenate([maps, noise], axis=-1).astype("f4")
    views = np.asarray(Views(bands)(x))
    own = np.concatenate(
        [noise[..., [i] * p**2] for i, p in enumerate(bands.values())], axis=-1
    )
    expected = [
        np.clip(maps / own_scale, -BRIGHTEST, BRIGHTEST),
        0.5 * np.arcsinh(maps / own_knee),
        np.arcsinh(maps / np.hypot(own, own_knee)),
        np.where(noise > 0, np.log(np.where(noise > 0, noise, 1.0) / usual), 0.0),
        noise > 0,
    ]
    expected = np.concatenate(expected, axis=-1)
    np.testing.assert_allclose(views, expected, rtol=1e-5, atol=1e-6)


def test_a_bright_source_does_not_blind_the_compressed_views():
    views = np.asarray(Views({450: 1})(np.array([[[[3e4, 1.0]]]], "f4")))
    assert views[0, 0, 0, 0] == BRIGHTEST
    assert np.abs(views[0, 0, 0, 1:3]).max() < 10.0


def test_bands_may_be_given_as_in_a_file(network):
    """JSON has no numbers as keys, and no order."""
    told = build_deblender(**TINY, bands={"500": 1, "250": 1, "350": 1})
    told.set_weights(network.get_weights())
    images = inputs(1, 16, 16)
    np.testing.assert_array_equal(
        told.predict_on_batch(images), network.predict_on_batch(images)
    )
    assert told.get_layer("views").get_config()["bands"] == SPIRE_BANDS


def test_the_whole_network_can_be_saved(network, tmp_path):
    network.save(tmp_path / "network.keras")
    known = {"BatchNormalization": BatchNormalization}
    loaded = keras.saving.load_model(tmp_path / "network.keras", known)
    images = inputs(1, 16, 16)
    np.testing.assert_allclose(
        loaded.predict_on_batch(images), network.predict_on_batch(images), atol=1e-5
    )


def test_answers_are_single_precision_whatever_the_layers_are():
    policy = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        network = build_deblender(**TINY)
        assert network.get_layer("stem").compute_dtype == "bfloat16"
        outputs = network(inputs(1, 8, 8))
    finally:
        keras.mixed_precision.set_global_policy(policy)
    assert keras.ops.dtype(outputs) == "float32"
    # Numbers of bfloat16 have nothing in the lower half of their 32 bits.
    lower = np.asarray(outputs).view(np.uint32) & 0xFFFF
    assert (lower != 0).mean() > 0.99


def test_an_untrained_network_expects_few_faint_sources(network):
    """No answer of its heads is far from the priors."""
    prediction = unpack(network.predict_on_batch(inputs(2, 32, 32)))
    assert np.median(1 / (1 + np.exp(-prediction.logit))) == pytest.approx(
        0.047, abs=0.05
    )
    assert prediction.log_flux.shape == prediction.log_error.shape == (2, 32, 32, 4, 4)
    assert 2.0 < np.median(np.exp(prediction.log_flux)) < 15.0
    assert np.median(np.exp(prediction.log_error)) == pytest.approx(0.37, abs=0.3)
    centres = np.median(prediction.log_flux, axis=(0, 1, 2, 3))
    assert np.ptp(centres) < 3.0


def test_errors_stay_within_their_ranges():
    for value in (-1e9, 1e9):
        prediction = unpack(np.full((2, 2, OUTPUTS), value, "f4"))
        side = int(value > 0)
        assert np.all(prediction.log_sigma == LOG_SIGMA[side])
        assert np.all(prediction.log_error == LOG_ERROR[side])
        assert np.all(prediction.log_pos_err == LOG_POS_ERR[side])


def test_heads_of_tensors_are_those_of_arrays():
    outputs = sky(1, 2, 2, OUTPUTS)
    prediction = unpack(keras.ops.convert_to_tensor(outputs), keras.ops)
    for one, two in zip(prediction, unpack(outputs), strict=True):
        np.testing.assert_allclose(np.asarray(one), two, rtol=1e-6)


def test_pixels_of_a_cell_are_its_rows():
    outputs = np.zeros((1, 2, OUTPUTS), "f4")
    outputs[0, 1, :16] = np.arange(16)
    image = to_pixels(unpack(outputs).image, 4)
    assert np.array_equal(image[:, 4:], np.arange(16).reshape(4, 4))


def test_every_weight_is_trained(network):
    """One step changes all: nothing in the network is cut off."""
    tf = pytest.importorskip("tensorflow")
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(network(inputs(4, 16, 16), training=True) ** 2)
    gradients = tape.gradient(value, network.trainable_variables)
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.abs(gradient).max() > 0, variable.path


class Trained:
    """A network with its bands, as `load_deblender` gives it."""

    def __init__(self, bands, **changes):
        shape = TINY | changes
        self.model, self.bands = build_deblender(None, **shape, bands=bands), bands
        rng = np.random.default_rng(3)
        for each in self.model.variables:
            each.assign(np.abs(rng.normal(0.0, 0.3, each.shape)) + 0.01)


def test_a_network_begins_with_what_another_one_knows_of_its_bands():
    """It answers as that one does, whatever a band shows that is new to it."""
    known, bands = SPIRE_BANDS, {24: 2, **SPIRE_BANDS}
    trained = Trained(known)
    network = build_deblender(None, **TINY, bands=bands)
    begin_from(network, trained, bands)
    rng = np.random.default_rng(4)
    signal, noise = rng.normal(0, 10, (1, 16, 16, 3)), np.full((1, 16, 16, 3), 2.0)
    expected = trained.model(np.concatenate([signal, noise], -1).astype("f4"))
    for depth in (0.0, 0.02):
        fine = rng.normal(0, 1, (1, 16, 16, 4)) * (depth > 0)
        told = np.full((1, 16, 16, 1), depth)
        images = np.concatenate([fine, signal, told, noise], -1).astype("f4")
        np.testing.assert_allclose(network(images), expected, rtol=1e-4, atol=1e-4)


def test_a_network_without_a_band_answers_as_if_it_was_not_observed():
    bands = {24: 2, **SPIRE_BANDS}
    trained = Trained(bands)
    network = build_deblender(None, **TINY)
    begin_from(network, trained, SPIRE_BANDS)
    rng = np.random.default_rng(5)
    signal, noise = rng.normal(0, 10, (1, 16, 16, 3)), np.full((1, 16, 16, 3), 2.0)
    nothing = np.zeros((1, 16, 16, 4)), np.zeros((1, 16, 16, 1))
    whole = np.concatenate([nothing[0], signal, nothing[1], noise], -1).astype("f4")
    expected = trained.model(whole)
    found = network(np.concatenate([signal, noise], -1).astype("f4"))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_further_blocks_change_nothing_at_first_and_learn():
    tf = pytest.importorskip("tensorflow")
    trained = Trained(SPIRE_BANDS)
    network = build_deblender(None, **TINY | {"blocks": (1, 3, 2, 1)})
    begin_from(network, trained, SPIRE_BANDS)
    images = inputs(2, 16, 16)
    expected = trained.model(images)
    np.testing.assert_allclose(network(images), expected, rtol=1e-4, atol=1e-4)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(network(images, training=True) ** 2)
    gradients = tape.gradient(value, network.trainable_variables)
    known = {variable.path for variable in trained.model.trainable_variables}
    ends = [
        np.abs(gradient).max()
        for variable, gradient in zip(
            network.trainable_variables, gradients, strict=True
        )
        if variable.path not in known and variable.path.endswith("_b_norm/gamma")
    ]
    assert len(ends) == 6
    assert min(ends) > 0


@pytest.mark.parametrize(
    "changes", [{"base_filters": 2}, {"blocks": (1, 2, 1, 1)}], ids=str
)
def test_a_network_of_another_size_is_no_beginning(changes):
    network = build_deblender(None, **TINY)
    with pytest.raises(InputError, match="base_filters and no more blocks"):
        begin_from(network, Trained(SPIRE_BANDS, **changes), SPIRE_BANDS)
