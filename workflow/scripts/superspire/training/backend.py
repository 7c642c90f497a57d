"""What one backend of Keras does faster than Keras asks it to.

Everything here gives what the plain Keras code gives, and is that code under any other
backend than the one it is written for.
"""

import contextlib
from pathlib import Path

import keras
import numpy as np
from keras import ops

from superspire.errors import InputError

CPU = Path("/proc/cpuinfo")
BFLOAT16 = {"avx512_bf16", "amx_bf16"}
"""Instruction sets that make bfloat16 faster than single precision."""


SETTINGS = {"shortcuts": True}


def is_tensorflow():
    """Whether TensorFlow is the backend."""
    return keras.backend.backend() == "tensorflow"


def set_shortcuts(wanted):
    """Choose between what is here and plain Keras, to compare the two.

    Parameters
    ----------
    wanted : bool
    """
    SETTINGS["shortcuts"] = wanted


def shortcuts():
    """Whether TensorFlow's own operations are used."""
    return SETTINGS["shortcuts"] and is_tensorflow()


def accelerators():
    """Count the graphics or tensor CPUs that the backend sees.

    Returns
    -------
    int
    """
    if is_tensorflow():
        import tensorflow as tf

        return len(tf.config.list_logical_devices("GPU"))
    if keras.backend.backend() == "jax":
        import jax

        return sum(device.platform != "cpu" for device in jax.devices())
    return 0


def instruction_sets():
    """Instruction sets of the processor, as far as the system tells."""
    return set(CPU.read_text().split()) if CPU.exists() else set()


def for_device(choice):
    """Choose what a setting says for this kind of device.

    Parameters
    ----------
    choice : dict or any
        ``cpu`` and ``gpu``, or one value for both.

    Returns
    -------
    any
    """
    if isinstance(choice, dict):
        return choice["gpu" if accelerators() else "cpu"]
    return choice


def set_precision(precision):
    """Set the precision of the layers that are built from now on.

    Parameters
    ----------
    precision : {"auto", "float32", "mixed_bfloat16"}
        "auto" takes bfloat16 where the device computes with it.

    Returns
    -------
    str
        The precision.
    """
    if precision == "auto":
        fast = accelerators() or BFLOAT16 & instruction_sets()
        precision = "mixed_bfloat16" if fast else "float32"
    keras.mixed_precision.set_global_policy(precision)
    return precision


@contextlib.contextmanager
def on_devices(number):
    """Share the batches among devices of this machine, with one copy of the network.

    Parameters
    ----------
    number : int or "all"
        Devices; GPUs if there are any. Everything is built inside.

    Raises
    ------
    InputError
        If there are fewer.
    """
    if number == 1:
        yield
        return
    if is_tensorflow():
        import tensorflow as tf

        kind = "GPU" if accelerators() else "CPU"
        names = [device.name for device in tf.config.list_logical_devices(kind)]
        names = chosen(names, number)
        with tf.distribute.MirroredStrategy(names).scope():
            yield
        return
    names = chosen(keras.distribution.list_devices(), number)
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=names))
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def chosen(names, number):
    """Take the first devices, or say that there are too few."""
    if number == "all":
        return names
    if len(names) < number:
        raise InputError(
            f"training.devices: expected {number} devices, found {len(names)}"
        )
    return names[:number]


def share_of_replica():
    """Fraction of a batch on one device: gradients are summed over the devices."""
    if is_tensorflow():
        import tensorflow as tf

        return 1.0 / tf.distribute.get_strategy().num_replicas_in_sync
    return 1.0


def set_threads(threads):
    """Let the backend use as many threads as Snakemake gave the job.

    Parameters
    ----------
    threads : int
        TensorFlow has to be told before its first operation; other backends follow
        the environment.
    """
    if is_tensorflow():
        import tensorflow as tf

        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            tf.config.threading.set_intra_op_parallelism_threads(threads)


def outside_graph(function, *arrays):
    """Call a NumPy function from inside the training graph.

    Parameters
    ----------
    function : callable
        From float32 arrays to one of the shape of the first.
    *arrays : tensor
        Its arguments; no gradient passes.

    Returns
    -------
    tensor of float32
    """
    arrays = [ops.stop_gradient(array) for array in arrays]
    if is_tensorflow():
        import tensorflow as tf

        result = tf.numpy_function(function, arrays, tf.float32)
        result.set_shape(arrays[0].shape)
        return result
    if keras.backend.backend() == "jax":
        import jax

        shape = jax.ShapeDtypeStruct(arrays[0].shape, np.float32)
        return jax.pure_callback(
            lambda *a: function(*map(np.asarray, a)), shape, *arrays
        )
    return ops.convert_to_tensor(function(*map(ops.convert_to_numpy, arrays)))


def prefetch(batches):
    """Make batches while the step before runs.

    Under TensorFlow a pass of a `keras.utils.PyDataset` ends with a wait of up to five
    seconds for the thread that reads it; a dataset of its own does not.

    Parameters
    ----------
    batches : keras.utils.PyDataset
        Pairs of images and a dict of arrays, all of float32.

    Returns
    -------
    tensorflow.data.Dataset or keras.utils.PyDataset
        What `keras.Model.fit` takes.
    """
    if not is_tensorflow():
        return batches
    import tensorflow as tf

    images, truth = batches[0]

    def load(number):
        images, truth = batches[int(number)]
        return [images, *truth.values()]

    def make(number):
        arrays = tf.numpy_function(load, [number], [tf.float32] * (1 + len(truth)))
        for array, like in zip(arrays, (images, *truth.values()), strict=True):
            array.set_shape((None, *like.shape[1:]))
        return arrays[0], dict(zip(truth, arrays[1:], strict=True))

    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = tf.data.Dataset.range(len(batches)).map(make)
    return dataset.prefetch(2).with_options(options)


def sort(values):
    """Sort along the last axis; no gradient passes.

    Parameters
    ----------
    values : tensor of float32, shape (batch, n)

    Returns
    -------
    tensor, shape (batch, n)
        In ascending order. TensorFlow's sort of a row on a processor takes about twenty
        times as long as NumPy's, which uses the vector units.
    """
    if shortcuts() and not accelerators():
        return outside_graph(np.sort, values)
    return ops.sort(ops.stop_gradient(values), axis=-1)


class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation over pixels and images, fused where the backend can.

    Keras spells the training step out in a dozen passes over the features, in single
    precision; TensorFlow has it in one operation of either precision, with the same
    statistics. A step of the U-Net with 16 base filters (single precision, four images,
    two busy cores) takes 1.15 to 1.18 times as much CPU time without it.
    """

    def call(self, inputs, training=None, mask=None):
        """Normalise features of shape (batch, ny, nx, channels)."""
        if not (training and self.trainable and shortcuts()):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            ops.cast(self.gamma, "float32"),
            ops.cast(self.beta, "float32"),
            epsilon=self.epsilon,
            is_training=True,
        )
        number = ops.cast(ops.size(inputs) // inputs.shape[-1], "float32")
        biased = variance * (number - 1.0) / number
        for running, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, biased),
        ):
            running.assign(running * self.momentum + batch * (1.0 - self.momentum))
        return outputs


class Adam(keras.optimizers.Adam):
    """Adam whose update is one pass over the weights where the backend has it.

    It reads private attributes of Keras, for up to 6 % of a step with 16 base filters.
    A test compares it with Keras step by step; without it trained weights differ.
    """

    def fused(self, variable):
        """Whether the one-pass update serves: single precision on one device."""
        if not shortcuts() or variable.dtype != "float32":
            return False
        return self._distribution_strategy.num_replicas_in_sync == 1

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable and its moments."""
        if not self.fused(variable):
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, "float32")
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=tf.cast(learning_rate, "float32"),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, "float32"),
        )
