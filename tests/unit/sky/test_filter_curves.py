"""Response curves, whatever file they come in."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from superspire.errors import InputError
from superspire.instruments import PAPER_BANDS
from superspire.sky.filter_curves import load_responses, read_response, top_hat

WAVELENGTH = np.linspace(180.0, 320.0, 200)
CURVE = np.exp(-0.5 * ((WAVELENGTH - 250.0) / 22.0) ** 2)


def write(path, wavelength=WAVELENGTH, curve=CURVE):
    if path.suffix == ".xml":
        table = Table({"Wavelength": wavelength, "Transmission": curve})
        table.write(path, format="votable")
    elif path.suffix == ".fits":
        names = ("LAM", "RES")
        columns = [
            fits.Column(name, f"{len(x)}D", array=x[None])
            for name, x in zip(names, (wavelength, curve), strict=True)
        ]
        fits.BinTableHDU.from_columns(columns).writeto(path)
    else:
        head = "# a comment\nwavelength_um,response\n" if path.suffix == ".csv" else ""
        glue = "," if path.suffix == ".csv" else "  "
        rows = [f"{x}{glue}{y}" for x, y in zip(wavelength, curve, strict=True)]
        path.write_text(head + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("suffix", ["xml", "fits", "csv", "txt"])
@pytest.mark.parametrize("unit", [1.0, 1e3, 1e4, 1e-6])
def test_every_layout_and_unit_gives_the_same_response(tmp_path, suffix, unit):
    path = write(tmp_path / f"curve.{suffix}", WAVELENGTH[::-1] * unit, CURVE[::-1])
    nodes, value = read_response(path, 250)
    assert np.allclose(nodes, WAVELENGTH)
    assert np.trapezoid(value, nodes) == pytest.approx(1.0)
    assert np.allclose(value / value.max(), CURVE / CURVE.max(), atol=1e-6)


def test_a_curve_whose_integral_is_nearly_one_is_taken_as_it_is(tmp_path):
    curve = 0.9995 * CURVE / np.trapezoid(CURVE, WAVELENGTH)
    _, value = read_response(write(tmp_path / "egg.fits", curve=curve), 250)
    assert np.allclose(value, curve, rtol=1e-12)


def test_bands_without_a_file_have_top_hats(tmp_path):
    responses = load_responses({"250": write(tmp_path / "psw.csv")})
    assert list(responses) == list(PAPER_BANDS)
    assert np.allclose(responses[250][0], WAVELENGTH)
    assert np.array_equal(responses[500][1], top_hat(500)[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wavelength,response\n", "expected a curve with the columns"),
        ("1 2\nfoo bar\n", "expected a curve with the columns"),
        ("200 0\n300 0\n", "positive integral"),
        ("200 1\n300 nan\n", "positive integral"),
        ("450 1\n550 1\n", "expected a curve around 250 µm"),
    ],
)
def test_what_is_no_response_of_the_band_is_refused(tmp_path, text, message):
    path = tmp_path / "curve.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_response(path, 250)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.xml"):
        read_response(tmp_path / "nowhere.xml", 250)
