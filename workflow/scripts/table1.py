"""Table 1: the instruments."""

from superspire.figures.tables import instrument_table, write_latex
from superspire.job import run

NAMES = {
    "wavelength_um": r"Wavelength [$\mu$m]",
    "instrument": "Instrument",
    "fwhm_arcsec": "FWHM [arcsec]",
    "pixel_arcsec": "Pixel [arcsec]",
    "beam_arcsec2": r"Beam [arcsec$^2$]",
}
CAPTION = "Bands, beams (full width at half maximum) and native pixels."


def main(job):
    table = instrument_table()
    table.to_csv(job.output.csv, index=False)
    write_latex(job.output.tex, table.rename(columns=NAMES), CAPTION)


if __name__ == "__main__":
    run(main, snakemake)
