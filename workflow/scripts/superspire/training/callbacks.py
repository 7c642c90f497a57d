"""What a training shows while it runs."""

import keras

from superspire.errors import InputError


class Progress(keras.callbacks.Callback):
    """Report after every batch how far training is and how long it will take.

    Parameters
    ----------
    bar : tqdm.tqdm
        Progress bar over all images of the training.
    batches : superspire.dataset.batches.Batches
        The pass that it follows.
    """

    def __init__(self, bar, batches):
        super().__init__()
        self.bar, self.batches = bar, batches

    def on_train_batch_end(self, batch, logs=None):
        """Advance by a batch and show the mean of every term in the pass."""
        terms = {name: f"{value:.3g}" for name, value in logs.items()}
        self.bar.set_postfix(terms, refresh=False)
        left = len(self.batches.items) - batch * self.batches.batch
        self.bar.update(min(left, self.batches.batch))


class TensorBoard:
    """Write the history of a training for TensorBoard.

    Parameters
    ----------
    folder : str or path-like
        Where its event files go.

    Raises
    ------
    InputError
        If the packages are not there.
    """

    def __init__(self, folder):
        try:
            import tensorboard  # noqa: F401
            import tensorflow as tf
        except ImportError as error:
            raise InputError(
                f"training.tensorboard: expected the package {error.name}, found none; "
                "install it or take the key away"
            ) from error
        self.summary = tf.summary
        self.writer = tf.summary.create_file_writer(str(folder))

    def __call__(self, record):
        """Write one record of the history."""
        numbers = {k: v for k, v in record.items() if isinstance(v, float)}
        with self.writer.as_default(step=record["epoch"]):
            for name, value in numbers.items():
                self.summary.scalar(f"{record['kind']}/{name}", value)
        self.writer.flush()
