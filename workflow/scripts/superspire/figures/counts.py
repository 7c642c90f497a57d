"""Number counts over published ones."""

import numpy as np

from superspire.evaluation.counts import euclidean
from superspire.figures.style import plt
from superspire.instruments import PAPER_BANDS

MARKERS = "osD^v<>p*hX"


def draw_counts(counts, published, label="simulated sky"):
    """Draw the Euclidean-normalised differential counts of every band.

    Parameters
    ----------
    counts : pandas.DataFrame
        ``band_um``, ``S_mJy``, ``dNdS``, ``error`` [mJy, deg⁻² mJy⁻¹].
    published : pandas.DataFrame
        ``reference``, ``band_um``, ``S_mJy``, ``dNdS``, ``err_lo``, ``err_hi``.
    label : str
        What the counts are of.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, grid = plt.subplots(2, 2, sharex=True, figsize=(8, 6.5))
    for axes, band in zip(grid.flat, PAPER_BANDS, strict=True):
        own = published[published["band_um"] == band]
        for marker, (reference, points) in zip(
            MARKERS, own.groupby("reference"), strict=False
        ):
            scale = euclidean(points["S_mJy"], np.ones(len(points)))
            axes.errorbar(
                points["S_mJy"],
                points["dNdS"] * scale,
                (points["err_lo"] * scale, points["err_hi"] * scale),
                fmt=marker,
                ms=4,
                lw=0.8,
                mfc="none",
                label=reference.replace("_", " "),
            )
        mock = counts[counts["band_um"] == band]
        scale = euclidean(mock["S_mJy"], np.ones(len(mock)))
        value, error = mock["dNdS"] * scale, mock["error"] * scale
        axes.plot(mock["S_mJy"], value, "k-", lw=1.5, label=label)
        axes.fill_between(
            mock["S_mJy"], value - error, value + error, color="k", alpha=0.2, lw=0
        )
        axes.set(xscale="log", yscale="log", xlim=(1, 300), ylim=(30, 2e5))
        axes.set_title(f"{band} µm")
        axes.legend(fontsize="x-small", loc="lower left")
    for axes in grid[-1]:
        axes.set_xlabel("Flux density [mJy]")
    for axes in grid[:, 0]:
        axes.set_ylabel(r"$S^{2.5}\,dN/dS$ [Jy$^{1.5}$ sr$^{-1}$]")
    figure.tight_layout()
    return figure
