import numpy as np
import pytest

from superspire.sky import mass_function as mf
from superspire.sky.cosmology import comoving_volume, luminosity_distance


def test_distance_matches_astropy():
    astropy_cosmology = pytest.importorskip("astropy.cosmology")
    cosmology = astropy_cosmology.FlatLambdaCDM(H0=70.0, Om0=0.3, Tcmb0=0.0)
    z = np.array([0.01, 0.1, 1.0, 3.0, 6.0, 9.0])
    np.testing.assert_allclose(
        luminosity_distance(z), cosmology.luminosity_distance(z).value, rtol=1e-7
    )
    np.testing.assert_allclose(
        comoving_volume(z), cosmology.comoving_volume(z).value, rtol=3e-7
    )


def test_bins():
    edges = mf.redshift_edges()
    z, log_mass, log_phi = mf.table()
    assert len(edges) == 61
    assert edges[-1] == 15.0
    np.testing.assert_allclose(z[:8], [0.15, 0.5, 0.95, 1.55, 2.2, 3, 4, 4.599057])
    np.testing.assert_allclose(np.diff(log_mass), 9.1 / 181)
    assert log_phi.shape == (2, 60, 181)


@pytest.mark.parametrize(
    ("z", "log_mass", "passive", "expected"),
    [
        (4.0, 11.0, False, np.log(10) * 3.69e-5 / np.e),
        (4.0, 11.0, True, np.log(10) * 3.0e-5 / np.e),
        # Baldry et al. (2012): Chabrier masses, 0.255 dex lower.
        (0.15, 10.72 + np.log10(1.8), True, np.log(10) * 3.33e-3 / np.e),
        (0.05, 10.72 + np.log10(1.8), False, np.log(10) * 7.1e-4 / np.e),
        (
            0.5,
            10.0,
            False,
            np.log(10)
            * (
                8.98887e-4 * 0.1**-0.4 * np.exp(-0.1)
                + 8.30778e-5 * 10 ** (-0.6418 * 1.5) * np.exp(-(10**-0.6418))
            ),
        ),
    ],
)
def test_values(z, log_mass, passive, expected):
    value = mf.mass_function([z], [log_mass], passive)[0, 0]
    assert value == pytest.approx(expected, rel=3e-3)


def test_high_redshift_follows_the_mass_density():
    z = mf.table()[0]
    high = z[(z > 4.5) & (z < 6.0)]
    passive = mf.mass_function([4.0, *high], [10.5], True)[:, 0]
    np.testing.assert_allclose(passive[1:] / passive[0], 10 ** (-0.43 * (high - 4)))
    # The slope of active galaxies steepens to -2.1 at z = 6 and stays.
    i = np.argmin(abs(z - 8.0))
    low_mass = mf.mass_function(z[[6, i]], [8.0, 8.5], False)
    slope = np.diff(np.log10(low_mass), axis=1)[:, 0] / 0.5
    np.testing.assert_allclose(slope, [-0.8, -1.1], atol=3e-3)
    assert mf.mass_density(7.0) / mf.mass_density(6.0) == pytest.approx(10**-0.7)
    assert mf.mass_density(5.999999) == pytest.approx(mf.mass_density(6.0), rel=1e-5)


def test_interpolation_is_linear_in_the_logarithm():
    z, log_mass, log_phi = mf.table()
    centre = mf.mass_function(
        [0.5 * (z[2] + z[3])], [0.5 * (log_mass[100] + log_mass[101])], False
    )
    assert np.log10(centre[0, 0]) == pytest.approx(
        log_phi[0, 2:4, 100:102].mean(), abs=1e-9
    )
