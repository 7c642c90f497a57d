"""Both sky models in bands that the paper has not, against EGG's numbers."""

import numpy as np
import pytest

from superspire.errors import InputError
from superspire.instruments import BANDS, PAPER_BANDS
from superspire.seeds import stream
from superspire.sky import dust
from superspire.sky.catalogue import simulate_catalogue
from superspire.sky.filter_curves import load_responses, standard_response, top_hat
from superspire.sky.magdis import FieldFluxes
from superspire.sky.model_egg import evaluate_model

OTHER = (24, 100, 160, 850)
AREA = 0.7225
"""Area of EGG's field and of ours [deg²]."""

LARGEST = {24: 8e-3, 100: 1.2e-2, 160: 4e-3, 850: 1e-3}
"""Largest differences that the responses, simpler than EGG's curves, may make."""


@pytest.fixture(scope="module")
def egg_field(compact):
    return simulate_catalogue(
        AREA,
        stream(5, "catalogue", "other bands"),
        dust=compact,
        bands=(*OTHER, 450),
        log_lir_min=8.0,
        clustering=False,
    )


@pytest.fixture(scope="module")
def other_field():
    return simulate_catalogue(
        0.25,
        stream(5, "2sfm", "other bands"),
        model="2sfm",
        bands=(*OTHER, 450),
        log_lir_min=8.0,
        clustering=False,
    )


# --------------------------------------------------------------- responses


def test_response_of_mips_has_the_moments_of_its_curve():
    nodes, value = standard_response(24)
    fine = np.linspace(nodes[0], nodes[-1], 100_001)
    response = np.interp(fine, nodes, value)
    mean = np.trapezoid(response * fine, fine)
    rms = np.sqrt(np.trapezoid(response * (fine - mean) ** 2, fine))
    assert np.trapezoid(response, fine) == pytest.approx(1.0, abs=1e-6)
    assert mean == pytest.approx(23.843, abs=0.02)
    assert rms == pytest.approx(2.039, abs=0.02)


def test_responses_are_those_of_the_bands_that_are_asked_for():
    assert list(load_responses(bands=(850, 24))) == [850, 24]
    assert list(load_responses()) == list(PAPER_BANDS)
    nodes, value = load_responses(bands=(850,))[850]
    assert nodes.tolist() == [782.1, 790.0, 930.0, pytest.approx(939.3)]
    assert value[0] == value[3] == 0.0


# ---------------------------------------------------------------- templates


@pytest.mark.parametrize("band", OTHER)
def test_fluxes_without_scatter_are_those_of_egg(reference, compact, band):
    grid = reference("egg_other_bands_grid")
    table = evaluate_model(
        grid.z,
        grid.logM,
        grid.passive == 1,
        compact,
        responses=load_responses(bands=OTHER),
    )
    error = np.abs(table[f"S{band}_mJy"] / grid[f"S{band}_mJy"] - 1.0)
    assert len(error) > 100
    assert np.median(error) < 2.5e-3
    assert error.max() < LARGEST[band]


def test_a_top_hat_would_miss_the_pah_features(reference, compact):
    """Why the band at 24 µm has more nodes than others."""
    grid = reference("egg_other_bands_grid")
    table = evaluate_model(
        grid.z, grid.logM, grid.passive == 1, compact, responses={24: top_hat(24)}
    )
    error = np.abs(table["S24_mJy"] / grid["S24_mJy"] - 1.0)
    assert error.max() > 5 * LARGEST[24]


def test_mid_infrared_continues_the_far_infrared(compact):
    wavelength, sed = compact.reaching(2.0)
    assert np.all(np.diff(wavelength) > 0.0)
    join = np.searchsorted(wavelength, compact.wavelength[0])
    np.testing.assert_array_equal(sed[..., join:], compact.sed)
    steps = np.abs(np.diff(np.log(sed), axis=-1)) / np.diff(np.log(wavelength))
    assert steps[..., join - 1].max() < 1.5 * steps[..., join + 1].max()
    assert compact.reaching(30.0)[0] is compact.wavelength


def test_luminosities_of_the_templates_are_their_integrals(compact):
    """L_IR is the integral of nu L_nu from 8 µm, where PAHs shine, to 1000 µm."""
    wavelength, sed = compact.reaching(2.0)
    inside = (wavelength >= 8.0) & (wavelength <= 1000.0)
    lir = np.trapezoid(sed[..., inside], np.log(wavelength[inside]))
    np.testing.assert_allclose(lir, compact.lir, rtol=0.03)


def test_redshift_nine_at_24_um_is_within_the_library(compact):
    table = dust.FluxTable(compact, 0.1, 9.0, load_responses(bands=(24,)))
    z = np.array([0.1, 1.0, 9.0])
    flux = table.fluxes(z, np.full(3, 12.0), np.full(3, 35.0), np.full(3, 5.0))
    assert np.all(np.isfinite(flux))
    assert np.all(np.diff(flux[:, 0]) < 0.0)


def test_a_library_without_the_mid_infrared_is_refused_at_24_um(compact):
    library = dust.DustLibrary(
        "old",
        compact.wavelength,
        compact.tdust,
        compact.sed,
        compact.lir,
        compact.l8,
    )
    dust.FluxTable(library, 0.1, 6.0)
    with pytest.raises(InputError, match=r"from 2\.86 µm on, found old from 19"):
        dust.FluxTable(library, 0.1, 6.0, load_responses(bands=(24,)))


# ------------------------------------------------------------------- skies


@pytest.mark.parametrize("model", ["egg", "2sfm"])
def test_more_bands_change_nothing_else(compact, model):
    def simulate(**options):
        rng, options = stream(7, "bands"), {"z_min": 1.0, "z_max": 1.4} | options
        if model == "egg":
            return simulate_catalogue(0.05, rng, dust=compact, **options)
        return simulate_catalogue(0.05, rng, model="2sfm", **options)

    few, many = simulate(), simulate(bands=tuple(BANDS))
    assert [name for name in many.colnames if name not in few.colnames] == [
        f"S{band}" for band in OTHER
    ]
    for name in few.colnames:
        np.testing.assert_array_equal(few[name], many[name])
    assert all(many[f"S{band}"].unit == "mJy" for band in BANDS)


@pytest.mark.parametrize("band", OTHER)
def test_counts_are_those_of_egg(egg_field, reference, band):
    counts = reference("egg_other_bands_counts")
    flux = np.asarray(egg_field[f"S{band}"])
    for row in counts[counts["band_um"] == band].itertuples():
        expected = row.N_above_deg2 * AREA
        # Poisson errors of two fields, and 1 % of flux.
        tolerance = 4.5 * np.sqrt(2.0 * expected + 1.0) + 0.02 * expected
        assert np.sum(flux > row.S_mJy) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("band", OTHER)
def test_colours_are_those_of_egg(egg_field, reference, band):
    z, s450 = (np.asarray(egg_field[name]) for name in ("Z", "S450"))
    colour = np.log10(np.asarray(egg_field[f"S{band}"]) / s450)
    for row in reference("egg_other_bands_colours").to_dict("records"):
        own = (s450 > row["S450_above_mJy"]) & (z >= row["z_min"]) & (z < row["z_max"])
        low, centre, high = np.percentile(colour[own], [16, 50, 84])
        width = row[f"half_16_84_dex_{band}"]
        error = width * np.sqrt(1.0 / own.sum() + 1.0 / row["n"])
        assert centre == pytest.approx(
            row[f"median_log10_S{band}_over_S450"], abs=4.5 * 1.25 * error + 0.004
        )
        # Errors of a normal distribution's percentiles; this one has tails.
        assert 0.5 * (high - low) == pytest.approx(width, abs=4.5 * 1.3 * error + 0.004)


def test_starbursts_of_the_second_model_have_faint_pah_features():
    """At z = 2 MIPS sees 8 µm, where starbursts have 5.3^(1/1.2) = 4 times less."""
    table = FieldFluxes(0.1, 6.0, load_responses(bands=(24, 450)))
    one = np.ones(2)
    s24, s450 = table.fluxes(
        2.0 * one, 12.0 * one, 1.3 * one, one > 2, np.log10([1.0, 5.3])
    ).T
    assert s450[0] == s450[1]
    assert s24[0] / s24[1] == pytest.approx(5.3 ** (1 / 1.2), rel=0.15)


def test_only_the_mid_infrared_can_be_asked_of_the_second_model():
    table = FieldFluxes(0.1, 6.0, load_responses(bands=(24,)))
    one = np.ones(1)
    assert table.fluxes(one, 12.0 * one, one, one > 2).shape == (1, 1)


@pytest.mark.parametrize(
    ("band", "flux", "tolerance"),
    [
        (24, 0.3, 0.25),
        (24, 0.08, 0.6),
        (100, 3.0, 0.4),
        (160, 10.0, 0.3),
        (850, 2.0, 0.3),
    ],
)
def test_both_models_have_similar_counts(egg_field, other_field, band, flux, tolerance):
    ours = np.sum(np.asarray(other_field[f"S{band}"]) > flux) / 0.25
    eggs = np.sum(np.asarray(egg_field[f"S{band}"]) > flux) / AREA
    assert ours / eggs == pytest.approx(1.0, abs=tolerance)
    assert ours != eggs
