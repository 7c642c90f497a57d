"""Adversarial training: the discriminator, the two losses, the order of a step."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import log_expit

from helpers.tiny_training import SETTINGS, SIZE, all_passes, make_rng, new_network
from superspire.errors import InputError
from superspire.methods import galaxygan as adversarial
from superspire.methods.galaxygan import (
    AdversarialModel,
    Rival,
    adversarial_term,
    build_discriminator,
    discriminator_term,
    measure_scale,
    train_adversarially,
)
from superspire.training.backend import BFLOAT16, instruction_sets
from superspire.training.checkpoint import Checkpoint
from superspire.training.trainer import optimiser
from superspire.unet.losses import LossOptions

WEIGHT, DEVIATION = 100.0, 0.05
OPTIONS = LossOptions({"pixel": WEIGHT}, "l1")
ONE_EPOCH = SETTINGS | {"epochs": 1}

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow alone trains it"
)


@pytest.fixture(scope="module")
def passes():
    simulated, *observed = all_passes()
    return [simulated, observed[0]]


@pytest.fixture(scope="module", autouse=True)
def eager():
    """Take few steps without the wait for their graph."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def graph():
    """Compile the steps, as every real training does."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(False)
    yield
    tf.config.run_functions_eagerly(True)


def batches(passes):
    return passes[0].batches(make_rng(0, 0))


def one_batch(passes):
    """Give images and truth of a batch as a step has them."""
    return keras.tree.map_structure(ops.convert_to_tensor, batches(passes)[0])


def make_rival(network, passes, seed=4):
    keras.utils.set_random_seed(seed)
    mean, deviation = measure_scale(batches(passes))
    discriminator = build_discriminator(2, size=SIZE, mean=mean, deviation=deviation)
    rival = Rival(discriminator, OPTIONS, DEVIATION)
    adam = optimiser(1e-3, 1, "constant")
    adam.build(network.trainable_variables)
    rival.prepare(adam)
    return rival


def test_discriminator_has_the_parameters_of_the_patch_discriminator_of_pix2pix():
    """Of 64 filters on 3 + 3 channels it has 2 768 705 weights, as their code says.

    That is counted with a bias in every convolution; here the three that batch
    normalisation follows have none, and our images have 3 + 1 channels.
    """
    discriminator = build_discriminator(64)
    trained = sum(int(np.prod(v.shape)) for v in discriminator.trainable_variables)
    assert trained + (128 + 256 + 512) + 2 * 16 * 64 == 2_769_601
    assert discriminator.output_shape == (None, 53, 53, 1)


def test_each_value_of_the_discriminator_judges_a_patch_of_70_pixels():
    import tensorflow as tf

    keras.utils.set_random_seed(5)
    discriminator = build_discriminator(2, size=192)
    given, judged = (ops.zeros((1, 192, 192, bands)) for bands in (3, 1))
    with tf.GradientTape() as tape:
        tape.watch(judged)
        value = discriminator([given, judged])[0, 12, 12, 0]
    rows, columns = np.nonzero(tape.gradient(value, judged)[0, ..., 0])
    assert np.ptp(rows) == np.ptp(columns) == 69


def test_discriminator_knows_the_input():
    keras.utils.set_random_seed(5)
    discriminator = build_discriminator(2, size=SIZE)
    rng = np.random.default_rng(1)
    judged = rng.normal(size=(1, SIZE, SIZE, 1))
    one, other = (
        ops.convert_to_numpy(
            discriminator([rng.normal(size=(1, SIZE, SIZE, 3)), judged])
        )
        for _ in range(2)
    )
    assert not np.allclose(one, other)


def test_terms_are_cross_entropies():
    rng = np.random.default_rng(2)
    real, generated = rng.normal(0, 3, (2, 3, 5, 5, 1)).astype(np.float32)
    mean = (1, 2, 3)
    np.testing.assert_allclose(
        ops.convert_to_numpy(adversarial_term(generated)),
        -log_expit(generated).mean(axis=mean),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        ops.convert_to_numpy(discriminator_term(real, generated)),
        -0.5 * (log_expit(real) + log_expit(-generated)).mean(axis=mean),
        rtol=1e-5,
    )
    undecided = np.zeros((2, 5, 5, 1), np.float32)
    assert float(adversarial_term(undecided)[0]) == pytest.approx(np.log(2))
    assert float(discriminator_term(undecided, undecided)[0]) == pytest.approx(
        np.log(2)
    )


def test_images_come_to_zero_mean_and_unit_variance(passes):
    mean, deviation = measure_scale(batches(passes))
    one, two = (batches(passes)[number] for number in range(2))
    pairs = [
        np.concatenate([images, truth["target"]], -1) for images, truth in (one, two)
    ]
    pairs = np.concatenate(pairs).astype(float)
    np.testing.assert_allclose(mean, pairs.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(deviation, pairs.std((0, 1, 2)), rtol=1e-5)
    discriminator = build_discriminator(2, size=SIZE, mean=mean, deviation=deviation)
    scaled = keras.Model(discriminator.inputs, discriminator.get_layer("scale").output)
    seen = ops.convert_to_numpy(scaled([pairs[..., :-1], pairs[..., -1:]]))
    np.testing.assert_allclose(seen.mean((0, 1, 2)), 0.0, atol=1e-4)
    np.testing.assert_allclose(seen.std((0, 1, 2)), 1.0, rtol=1e-4)


def test_total_is_the_adversarial_term_and_lambda_times_the_pixels(passes):
    images, truth = one_batch(passes)
    network = new_network()
    rival = make_rival(network, passes)
    generated = truth["target"] + 0.01
    terms = rival.terms("simulated", truth | {"images": images}, generated)
    assert np.allclose(terms["pixel"], 0.01, rtol=1e-5)
    expected = np.mean(terms["adversarial"]) + WEIGHT * 0.01 / DEVIATION
    assert float(rival.total(terms)) == pytest.approx(expected, rel=1e-5)


def test_rival_learns_to_tell_targets_from_generated_images(passes):
    images, truth = one_batch(passes)
    network = new_network()
    rival = make_rival(network, passes)
    generated = network(images)
    terms = [
        float(ops.mean(rival.learn(images, truth["target"], generated)))
        for _ in range(20)
    ]
    assert terms[0] == pytest.approx(np.log(2), abs=0.1)
    assert terms[-1] < 0.75 * terms[0]
    fooled = adversarial_term(rival.discriminator_logits(images, generated))
    real = adversarial_term(rival.discriminator_logits(images, truth["target"]))
    assert np.min(fooled) > np.max(real)


def test_a_step_changes_both_and_the_rival_first(passes):
    images, truth = one_batch(passes)
    network, other = new_network(), new_network()
    rival, same = make_rival(network, passes), make_rival(other, passes)
    model = AdversarialModel(network, "simulated", rival)
    model.compile(optimizer=optimiser(1e-3, 1, "constant"))
    before = ops.convert_to_numpy(network.get_layer("conv1").kernel)
    keras.utils.set_random_seed(6)
    logs = model.train_step((images, truth))

    keras.utils.set_random_seed(6)
    generated = other(images, training=True)
    learned = same.learn(images, truth["target"], generated)
    terms = same.terms("simulated", truth | {"images": images}, generated)
    assert float(logs["discriminator"]) == pytest.approx(np.mean(learned), rel=1e-5)
    assert float(logs["loss"]) == pytest.approx(float(same.total(terms)), rel=1e-5)
    for one, two in zip(
        rival.discriminator.trainable_variables,
        same.discriminator.trainable_variables,
        strict=True,
    ):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)
    assert not np.allclose(network.get_layer("conv1").kernel, before, atol=1e-7)


def test_network_follows_the_gradient_of_its_own_loss(passes):
    """Adam's first step has the sign of the gradient; the rival must not change it."""
    images, truth = one_batch(passes)
    network, other = new_network(dropout=0.0), new_network(dropout=0.0)
    rival, same = make_rival(network, passes), make_rival(other, passes)
    model = AdversarialModel(network, "simulated", rival)
    model.compile(optimizer=optimiser(1e-3, 1, "constant"))
    bias = float(network.get_layer("deconv8").bias[0])
    model.train_step((images, truth))
    moved = float(network.get_layer("deconv8").bias[0]) - bias
    same.learn(images, truth["target"], other(images, training=True))

    def loss(value):
        other.get_layer("deconv8").bias.assign([value])
        generated = other(images, training=True)
        truths = truth | {"images": images}
        return float(same.total(same.terms("simulated", truths, generated)))

    slope = loss(bias + 0.01) - loss(bias - 0.01)
    assert moved == pytest.approx(-1e-3 * np.sign(slope), rel=0.01)


@pytest.fixture(scope="module")
def uninterrupted(passes):
    network = new_network()
    history = train_adversarially(network, passes[:1], OPTIONS, SETTINGS, make_rng)
    return network.get_weights(), history


def test_history_has_the_terms_of_every_pass(passes, uninterrupted):
    _, history = uninterrupted
    weight = WEIGHT / measure_scale(batches(passes))[1][-1]
    assert [row["kind"] for row in history] == ["simulated"] * 2
    for row in history:
        for name in ("loss", "adversarial", "pixel", "discriminator"):
            assert np.isfinite(row[name])
        total = row["adversarial"] + weight * row["pixel"]
        assert row["loss"] == pytest.approx(total, rel=1e-4)


class InterruptedTrainingError(Exception):
    pass


def interrupted(epoch, number):
    if epoch == 2:
        raise InterruptedTrainingError
    return make_rng(epoch, number)


def test_one_seed_gives_one_result_though_interrupted(passes, uninterrupted, tmp_path):
    """The checkpoint holds the rival too, or the second epoch would differ."""
    arguments = passes[:1], OPTIONS, SETTINGS
    with pytest.raises(InterruptedTrainingError):
        train_adversarially(
            *(
                new_network(),
                *arguments,
                interrupted,
                None,
                Checkpoint(tmp_path, "digest"),
            )
        )
    network = new_network()
    keras.utils.set_random_seed(99)
    history = train_adversarially(
        *(network, *arguments, make_rng, None, Checkpoint(tmp_path, "digest"))
    )
    assert history[-1]["loss"] == uninterrupted[1][-1]["loss"]
    for one, other in zip(network.get_weights(), uninterrupted[0], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(
    not BFLOAT16 & instruction_sets(),
    reason="TensorFlow's gradients of bfloat16 are not finite without its instructions",
)
def test_mixed_precision_trains(passes, graph):
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        network = new_network()
        history = train_adversarially(network, passes, OPTIONS, ONE_EPOCH, make_rng)
        images, truth = one_batch(passes)
        logits = make_rival(network, passes).discriminator_logits(
            images, truth["target"]
        )
    finally:
        keras.mixed_precision.set_global_policy(before)
    assert [row["kind"] for row in history] == ["simulated", "observed"]
    assert all(np.isfinite(row["loss"]) for row in history)
    assert logits.dtype == "float32"
    assert {v.dtype for v in network.trainable_variables} == {"float32"}


def test_a_loss_that_is_not_finite_stops_the_training(passes):
    network = new_network()
    network.get_layer("deconv8").bias.assign([np.nan])
    with pytest.raises(InputError, match=r"lower training\.learning_rate"):
        train_adversarially(network, passes[:1], OPTIONS, ONE_EPOCH, make_rng)


def test_a_rival_that_is_not_finite_stops_the_training(passes, monkeypatch):
    def poisoned(*arguments, **options):
        discriminator = build_discriminator(*arguments, **options)
        discriminator.get_layer("patches").bias.assign([np.nan])
        return discriminator

    monkeypatch.setattr(adversarial, "build_discriminator", poisoned)
    with pytest.raises(InputError, match="the loss is nan"):
        train_adversarially(new_network(), passes[:1], OPTIONS, ONE_EPOCH, make_rng)


def test_other_backends_are_refused(passes, monkeypatch):
    monkeypatch.setattr(adversarial, "is_tensorflow", lambda: False)
    with pytest.raises(InputError, match="KERAS_BACKEND: expected tensorflow"):
        train_adversarially(new_network(), passes, OPTIONS, ONE_EPOCH, make_rng)
