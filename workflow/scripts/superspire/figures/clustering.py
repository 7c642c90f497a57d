"""Number counts and clustering of super-resolved and of true sources (section 5)."""

import numpy as np

from superspire.evaluation.counts import euclidean
from superspire.figures.style import PAGE, plt

SAMPLES = {
    "injected": {"color": "black", "marker": "o", "label": "true (injected)"},
    "target": {"color": "#0072B2", "marker": "s", "label": "450 µm map"},
    "superresolved": {"color": "#009E73", "marker": "D", "label": "super-resolved"},
}
"""Samples in the order in which they are drawn, with their style."""

OFFSETS = {"injected": 1.0, "target": 0.97, "superresolved": 1.03}
"""Factors by which the samples are moved apart along the abscissa."""


def centre(table):
    """Geometric centre of the bins."""
    return np.sqrt(table["low"] * table["high"])


def draw_samples(axes, counts, scale):
    """Draw differential counts, scaled.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    counts : pandas.DataFrame
        See `draw_clustering_counts`.
    scale : callable
        From the rows of a sample and its fluxes to factors.
    """
    for name, style in SAMPLES.items():
        own = counts[counts["sample"] == name]
        flux = centre(own)
        factor = scale(own, flux)
        style = {"ls": "none", "mfc": "none", "lw": 0.8, **style}
        axes.errorbar(
            flux * OFFSETS[name], own["value"] * factor, own["error"] * factor, **style
        )
    axes.set(xscale="log", xlim=(3.0, 100.0))


def relative_to_truth(counts):
    """Make the scale that divides counts by the true ones of the same bin."""
    truth = counts[counts["sample"] == "injected"].set_index("low")["value"]
    return lambda own, flux: 1.0 / truth.reindex(own["low"]).to_numpy()


def draw_correlation(axes, clustering, limit):
    """Draw w(theta) of all samples above a limit [mJy]."""
    axes.axhline(0.0, color="0.6", lw=0.6)
    rows = clustering[clustering["limit"] == limit]
    for name, style in SAMPLES.items():
        own = rows[rows["sample"] == name]
        style = {"ls": "none", "mfc": "none", "lw": 0.8, **style}
        axes.errorbar(centre(own) * OFFSETS[name], own["value"], own["error"], **style)
    axes.set(xscale="log", xlim=(3.5, 450.0), ylim=(-1.1, 0.6))
    axes.set_ylabel(r"$w(\theta)$")
    axes.set_title(f"$S_{{450}}$ > {limit:g} mJy", y=0.88)


def draw_clustering_counts(counts, clustering):
    """Draw counts, their ratio to the true ones, and correlation functions.

    Parameters
    ----------
    counts, clustering : pandas.DataFrame
        See `superspire.evaluation.clustering.measure_counts` and `measure_clustering`,
        with the samples of `SAMPLES`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, grid = plt.subplots(2, 2, figsize=(PAGE, 4.4), sharex="col")
    (top, upper), (bottom, lower) = grid
    draw_samples(top, counts, lambda own, flux: euclidean(flux, np.ones(len(flux))))
    top.set(yscale="log", ylim=(50.0, 3e4))
    top.set_ylabel(r"$S^{2.5}\,dN/dS$ [Jy$^{1.5}$ sr$^{-1}$]")
    top.legend(loc="lower center")
    draw_samples(bottom, counts, relative_to_truth(counts))
    bottom.axhline(1.0, color="0.6", lw=0.6)
    bottom.set(xlabel="Flux density at 450 µm [mJy]", ylabel="counts / true counts")
    bottom.set_ylim(0.0, 2.0)
    ticks = [3, 5, 10, 20, 50, 100]
    bottom.set_xticks(ticks, [str(tick) for tick in ticks])
    bottom.minorticks_off()
    limits = clustering["limit"].unique()
    for axes, limit in zip((upper, lower), limits, strict=False):
        draw_correlation(axes, clustering, limit)
    lower.set_xlabel("Separation [arcsec]")
    ticks = [5, 10, 20, 50, 100, 200]
    lower.set_xticks(ticks, [str(tick) for tick in ticks])
    lower.minorticks_off()
    return figure
