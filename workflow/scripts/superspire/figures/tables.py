"""Tables 1 to 3, as text for machines and for LaTeX."""

import pandas as pd
from astropy.table import Table

from superspire.evaluation.confusion import PAPER_CONFUSION
from superspire.evaluation.measures import SUPER_RESOLVED
from superspire.instruments import BANDS, PAPER_BANDS, beam_area

LATEX = {
    "tabletype": "table",
    "preamble": r"\centering",
    "header_start": r"\toprule",
    "header_end": r"\midrule",
    "data_end": r"\bottomrule",
}


def write_latex(path, table, caption, formats=None):
    """Write a table for LaTeX (package booktabs).

    Parameters
    ----------
    path : str
        File to write.
    table : pandas.DataFrame
        Columns are named as they shall be read.
    caption : str
        Caption, in LaTeX.
    formats : dict, optional
        Name of a column to its format, for instance ``".2f"``.
    """
    columns = Table.from_pandas(table.astype(object).map(text))
    for name, form in (formats or {}).items():
        columns[name] = [
            "--" if pd.isna(value) else format(value, form) for value in table[name]
        ]
    columns.write(
        path, format="latex", overwrite=True, caption=caption, latexdict=LATEX
    )


def text(value):
    """Write one cell: a dash for what is missing."""
    if pd.isna(value):
        return "--"
    return (
        str(value).replace("µ", r"$\mu$").replace("×", r"$\times$").replace("%", r"\%")
    )


def instrument_table(confusion):
    """Make Table 1: beam, pixel and confusion noise of each band.

    Parameters
    ----------
    confusion : pandas.DataFrame
        Confusion noise of our maps: ``wavelength_um``, ``confusion`` and ``error``
        [mJy/beam].

    Returns
    -------
    pandas.DataFrame
        The paper's confusion noise beside that of our maps, with errors [mJy/beam].
    """
    ours = confusion.set_index("wavelength_um").round(2)
    rows = []
    for wavelength in PAPER_BANDS:
        band, (paper, paper_error) = BANDS[wavelength], PAPER_CONFUSION[wavelength]
        rows.append(
            {
                "wavelength_um": wavelength,
                "instrument": band.instrument,
                "fwhm_arcsec": band.fwhm,
                "pixel_arcsec": round(band.pixel, 2),
                "beam_arcsec2": round(float(beam_area(band.fwhm)), 1),
                "confusion_paper_mJy": paper,
                "confusion_paper_error_mJy": paper_error,
                "confusion_mJy": ours.loc[wavelength, "confusion"],
                "confusion_error_mJy": ours.loc[wavelength, "error"],
            }
        )
    return pd.DataFrame(rows)


def with_error(value, error, digits):
    """Write values with their errors for LaTeX; no error where it is unknown.

    Parameters
    ----------
    value, error : Series
        Values and errors.
    digits : int
        Decimals.

    Returns
    -------
    list of str
    """
    return [
        f"{a:.{digits}f}" + ("" if pd.isna(b) else rf" $\pm$ {b:.{digits}f}")
        for a, b in zip(value, error, strict=True)
    ]


def layer_table(blocks, run_blocks):
    """Make Table 2 from the built networks.

    Parameters
    ----------
    blocks, run_blocks : pandas.DataFrame
        The paper's network and that of the configuration, from `network_blocks`.

    Returns
    -------
    pandas.DataFrame
        One row per block and a last one with the total number of parameters.
    """
    layers, run = blocks.iloc[1:], run_blocks.iloc[1:]
    operation = [
        f"{row.kind} {row.kernel:.0f}×{row.kernel:.0f}, stride {row.stride:.0f}"
        + (", batch norm." if row.normalised else "")
        + (f", dropout {row.dropout:g}" if row.dropout else "")
        + (", concatenation" if row.channels > row.filters else "")
        + f", {row.activation}"
        for row in layers.itertuples()
    ]
    sides = layers["size"].astype(int).astype(str)
    channels = layers["channels"].astype(int).astype(str)
    table = pd.DataFrame(
        {
            "layer": layers["name"],
            "operation": operation,
            "filters": layers["filters"].astype(int),
            "output": sides + " × " + sides + " × " + channels,
            "parameters": layers["parameters"].astype(int),
            "filters_this_run": run["filters"].astype(int),
            "parameters_this_run": run["parameters"].astype(int),
        }
    )
    total = {
        "layer": "total",
        "parameters": table["parameters"].sum(),
        "parameters_this_run": table["parameters_this_run"].sum(),
    }
    table = pd.concat([table, pd.DataFrame([total])], ignore_index=True)
    whole = ["filters", "parameters", "filters_this_run", "parameters_this_run"]
    return table.astype(dict.fromkeys(whole, "Int64"))


def pull_table(bins):
    """Make Table 3: pulls |x - mean| / std in the bins of Fig. 4.

    Parameters
    ----------
    bins : pandas.DataFrame
        The bins of Fig. 4, see `superspire.figures.fig4_fluxes.flux_bins`.

    Returns
    -------
    pandas.DataFrame
        The bins of sources that are selected as in the paper, in the super-resolved
        map.
    """
    names = {
        "dataset": "dataset",
        "flux_min": "flux_min_mJy",
        "flux_max": "flux_max_mJy",
        "flux": "flux_mJy",
        "mean": "mean_mJy",
        "std": "std_mJy",
        "n": "n",
        "n_distinct": "n_distinct",
        "pull": "pull",
        "pull_error": "pull_error",
    }
    own = bins[bins["selection"] == SUPER_RESOLVED]
    return own[list(names)].rename(columns=names).reset_index(drop=True)
