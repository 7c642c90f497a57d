"""Table 1: the instruments."""

import pandas as pd

from superspire.figures.tables import instrument_table, with_error, write_latex
from superspire.job import run

NAMES = {
    "wavelength_um": r"Wavelength [$\mu$m]",
    "instrument": "Instrument",
    "fwhm_arcsec": "FWHM [arcsec]",
    "pixel_arcsec": "Pixel [arcsec]",
    "beam_arcsec2": r"Beam [arcsec$^2$]",
}
CAPTION = (
    "Bands, beams (full width at half maximum), native pixels and confusion noise: the "
    "paper's and that of our simulated maps, the standard deviation of all pixels "
    "after subtraction of the instrument noise in quadrature."
)


def main(job):
    table = instrument_table(pd.read_csv(job.input[0]))
    table.to_csv(job.output.csv, index=False)
    shown = table[list(NAMES)].rename(columns=NAMES)
    for name, column, digits in (("paper", "_paper", 1), ("simulated", "", 2)):
        columns = (f"confusion{column}_{kind}mJy" for kind in ("", "error_"))
        values = with_error(*(table[c] for c in columns), digits)
        shown[f"Confusion, {name} [mJy/beam]"] = values
    write_latex(job.output.tex, shown, CAPTION)


if __name__ == "__main__":
    run(main, snakemake)
