"""The network of Table 2, layer by layer."""

import numpy as np
import pytest

from superspire.unet.architecture import build_network

ENCODER = [
    (212, 64),
    (106, 128),
    (53, 256),
    (27, 512),
    (14, 512),
    (7, 512),
    (4, 512),
    (2, 512),
]
DECODER = [(4, 512), (7, 512), (14, 512), (27, 512), (53, 256), (106, 128), (212, 64)]


@pytest.fixture(scope="module")
def network():
    return build_network(64)


def output(network, name):
    return tuple(network.get_layer(name).output.shape[1:])


@pytest.mark.parametrize(("number", "expected"), list(enumerate(ENCODER, start=1)))
def test_convolutions(network, number, expected):
    side, filters = expected
    assert output(network, f"conv{number}_relu") == (side, side, filters)
    assert network.get_layer(f"conv{number}").kernel_size == (4, 4)
    assert network.get_layer(f"conv{number}").strides == (2, 2)


@pytest.mark.parametrize(("number", "expected"), list(enumerate(DECODER, start=1)))
def test_deconvolutions_are_cropped_and_concatenated(network, number, expected):
    side, filters = expected
    assert output(network, f"deconv{number}_norm") == (side, side, filters)
    skip = ENCODER[7 - number][1]
    assert output(network, f"deconv{number}_relu") == (side, side, filters + skip)


def test_output_is_one_image_from_a_sigmoid(network):
    assert network.output_shape == (None, 424, 424, 1)
    assert network.layers[-1].activation.__name__ == "sigmoid"
    names = [layer.name for layer in network.layers]
    assert "deconv8_norm" not in names
    assert [n for n in names if "dropout" in n] == [
        f"deconv{i}_dropout" for i in (1, 2, 3)
    ]


def test_54_million_parameters(network):
    assert network.count_params() / 1e6 == pytest.approx(54.4, abs=0.05)


def test_small_network_maps_images_to_between_zero_and_one():
    network = build_network(2)
    images = np.random.default_rng(0).random((2, 424, 424, 3)).astype(np.float32)
    generated = network.predict_on_batch(images)
    assert generated.shape == (2, 424, 424, 1)
    assert generated.min() >= 0
    assert generated.max() <= 1
