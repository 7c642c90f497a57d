import numpy as np
import pytest
from keras import ops

from superspire.training.losses import log_cosh


@pytest.mark.parametrize("width", [0.006, 1.0, 4.0])
def test_log_cosh_is_its_closed_form(width):
    difference = np.linspace(0.0, 300.0 * width, 100)
    expected = width * np.log(np.cosh(difference / width))
    np.testing.assert_allclose(log_cosh(difference, width), expected, atol=1e-6 * width)


def test_log_cosh_is_finite_where_cosh_is_not():
    difference = ops.convert_to_tensor([1e4])
    found = ops.convert_to_numpy(log_cosh(difference, 1.0))
    assert found == pytest.approx(1e4 - np.log(2.0))
