"""The simulated sky against EGG's, on one page."""

import numpy as np
from scipy.stats import norm

from superspire.figures.style import PAGE, note, plt
from superspire.instruments import PAPER_BANDS

COLOURS = {250: "#0072B2", 350: "#009E73", 450: "#D55E00", 500: "#CC79A7"}
MARKERS = {250: "o", 350: "s", 450: "D", 500: "^"}
OURS, EGG = "#0072B2", "#222222"
BAND = {"color": "0.88", "lw": 0, "zorder": 0}
"""How the range that agrees is drawn."""

WIDTHS = (
    ("background in MJy/sr", "background"),
    ("sigma, clustered positions, all", "map rms"),
    ("sigma, clustered positions, S < 50 mJy", "map rms, S < 50 mJy"),
    ("MAD sigma, clustered positions, all", "map MAD"),
    ("sigma, random positions, all", "random: rms"),
    ("sigma, random positions, S < 50 mJy", "random: rms, S < 50 mJy"),
    ("MAD sigma, random positions, all", "random: MAD"),
)
PERCENTS = (5, 25, 50, 75, 95)


def draw_sky_validation(summary, draws, grid=None):
    """Draw counts, background, confusion, redshifts, clustering, cuts and pulls.

    Parameters
    ----------
    summary : pandas.DataFrame
        What `superspire.egg.agreement.compare` gives.
    draws : pandas.DataFrame
        What `superspire.egg.draws.compare_draws` gives.
    grid : pandas.DataFrame, optional
        What `superspire.egg.grid_comparison.compare_grid` gives.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots(5, 2, figsize=(PAGE, 9.4))
    for panel, band in zip(axes[:2].flat, PAPER_BANDS, strict=True):
        draw_counts_of(panel, summary, band)
    draw_widths(axes[2, 0], summary)
    draw_redshifts(axes[2, 1], summary)
    draw_correlation(axes[3, 0], summary)
    draw_cuts(axes[3, 1], summary)
    draw_pulls(axes[4, 0], draws)
    if grid is None:
        axes[4, 1].set_axis_off()
    else:
        draw_grid(axes[4, 1], grid)
    handles, labels = axes[2, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def ratio_errors(rows):
    """Errors of both sides [per cent of EGG's value]."""
    error = np.hypot(rows["egg_error"], rows["ours_error"])
    return 100.0 * error / rows["egg"].abs()


def draw_counts_of(axes, summary, band):
    """Draw the differences of the differential counts of one band."""
    rows = summary[(summary["group"] == "counts") & (summary["band_um"] == band)]
    flux = np.sqrt(rows["low"] * rows["high"])
    edges = np.append(rows["low"], rows["high"].iloc[-1])
    allowed = (100.0 * rows["allowed"] / rows["egg"]).to_numpy()
    allowed = np.append(allowed, allowed[-1])
    axes.fill_between(edges, -allowed, allowed, step="post", **BAND)
    style = {"fmt": MARKERS[band], "color": COLOURS[band], "ms": 3, "lw": 0.8}
    axes.errorbar(flux, rows["percent"], ratio_errors(rows), **style)
    axes.hlines(rows["percent"], rows["low"], rows["high"], COLOURS[band], lw=0.8)
    axes.axhline(0.0, color=EGG, lw=0.6)
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=2.0, linscale=1.0)
    ticks = (-50, -10, -2, -1, 0, 1, 2, 10, 50)
    axes.set_yticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set(xlim=(0.09, 1100), ylim=(-90, 90))
    axes.set(xlabel=f"$S_{{{band}}}$ [mJy]", ylabel="Difference of $dN/dS$ [%]")
    note(axes, f"{band} µm", x=0.03)


def draw_widths(axes, summary):
    """Draw the differences of the background and of the widths of the maps."""
    names = [name for name, _ in WIDTHS]
    for shift, band in zip(
        np.linspace(0.27, -0.27, len(PAPER_BANDS)), PAPER_BANDS, strict=True
    ):
        rows = summary[(summary["band_um"] == band) & summary["quantity"].isin(names)]
        rows = rows.set_index("quantity").loc[names]
        position = -np.arange(len(rows)) + shift
        style = {"fmt": MARKERS[band], "color": COLOURS[band], "ms": 2.5, "lw": 0.8}
        error = ratio_errors(rows)
        label = f"{band} µm"
        axes.errorbar(rows["percent"], position, xerr=error, label=label, **style)
    axes.axvline(0.0, color=EGG, lw=0.6)
    for first, last, name in ((0.5, -0.5, "background"), (-0.5, -6.5, "confusion")):
        part = summary[(summary["group"] == name) & (summary["egg"] != 0)]
        allowed = (100.0 * part["allowed"] / part["egg"]).min()
        axes.fill_betweenx([first, last], -allowed, allowed, **BAND)
    axes.set_ylim(-6.5, 0.5)
    axes.set_yticks(-np.arange(len(WIDTHS)), [label for _, label in WIDTHS])
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(-4, 4), xlabel="Difference [%]")


def draw_redshifts(axes, summary):
    """Draw percentiles of the redshifts against the limit on the flux."""
    rows = summary[summary["group"] == "redshifts"]
    parts = rows["quantity"].str.extract(r"S450 > (\S+) mJy: (\S+)")
    rows = rows.assign(limit=parts[0].astype(float), statistic=parts[1])
    for percent in PERCENTS:
        line = rows[rows["statistic"] == f"p{percent}"]
        median = percent == 50
        axes.plot(
            *(line["limit"], line["egg"], "s-"),
            **{"color": EGG, "mfc": "none", "ms": 5, "lw": 1.2 if median else 0.6},
            label="EGG" if median else None,
        )
        axes.errorbar(
            *(line["limit"], line["ours"], 3 * line["ours_error"]),
            **{"fmt": "o", "color": OURS, "ms": 2.5, "lw": 0.8},
            label="SuperSPIRE (3σ)" if median else None,
        )
        last = line.iloc[-1]
        axes.annotate(
            *(f"{percent} %", (last["limit"], last["egg"])),
            **{"xytext": (7, 0), "textcoords": "offset points", "fontsize": 6.5},
            va="center",
        )
    axes.set(xscale="log", xlim=(0.8, 40), ylim=(0, 4.6))
    axes.set_xticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    axes.set_xticks([], minor=True)
    axes.set(xlabel="Limit on $S_{450}$ [mJy]", ylabel="Percentiles of redshift")
    axes.legend(loc="upper left", ncols=2)


def draw_correlation(axes, summary):
    """Draw the angular correlation function."""
    rows = summary[summary["group"] == "correlation"]
    theta = np.sqrt(rows["low"] * rows["high"])
    known = rows["egg"].notna()
    style = {"fmt": "s", "color": EGG, "mfc": "none", "ms": 5, "lw": 0.8}
    errors = rows["egg_error"][known]
    axes.errorbar(theta[known], rows["egg"][known], errors, label="EGG", **style)
    style = {"fmt": "o", "color": OURS, "ms": 3, "lw": 0.8}
    label = "SuperSPIRE"
    axes.errorbar(1.06 * theta, rows["ours"], rows["ours_error"], label=label, **style)
    axes.axhline(0.0, color=EGG, lw=0.6)
    axes.set(xscale="log", xlabel="Separation [arcsec]")
    axes.set_ylabel(r"$w(\theta)$ of $S_{500}$ > 5 mJy")
    axes.legend(loc="upper right")


def draw_cuts(axes, summary):
    """Draw the differences of what a limit on the luminosity keeps."""
    rows = summary[summary["group"] == "luminosity cuts"]
    limit = rows["quantity"].str.extract(r"L_IR > (\S+)")[0].astype(float)
    shifts = dict(
        zip(PAPER_BANDS, np.linspace(-0.06, 0.06, len(PAPER_BANDS)), strict=True)
    )
    for band in [None, *PAPER_BANDS]:
        part = rows["band_um"].isna() if band is None else rows["band_um"] == band
        error = np.hypot(rows["egg_error"], rows["ours_error"])[part]
        axes.errorbar(
            limit[part] + shifts.get(band, 0.0),
            100.0 * rows["difference"][part],
            100.0 * error,
            fmt=MARKERS.get(band, "x"),
            color=COLOURS.get(band, EGG),
            ms=2.5,
            lw=0.8,
            label=None if band else "galaxies",
        )
    axes.axhline(0.0, color=EGG, lw=0.6)
    axes.set_xlabel(r"Limit on log $L_{\rm IR}$ [$L_\odot$]")
    axes.set_ylabel("Difference of the share kept\n[percentage points]")
    axes.legend(loc="lower left")
    note(axes, "colours: background", x=0.03, y=0.2)


def draw_pulls(axes, draws):
    """Draw the pulls of galaxies of fixed redshift and mass over a normal."""
    edges = np.arange(-4.5, 4.51, 0.5)
    for group, colour, style in (
        ("properties", OURS, "-"),
        ("fluxes", COLOURS[450], "--"),
    ):
        pulls = draws["sigma"][draws["group"] == f"draws: {group}"]
        label = f"{group}: {len(pulls)}, rms {np.sqrt(np.mean(pulls**2)):.2f}"
        options = {"density": True, "histtype": "step", "lw": 1.2, "ls": style}
        axes.hist(pulls, edges, color=colour, label=label, **options)
    x = np.linspace(-4.5, 4.5, 200)
    axes.plot(x, norm.pdf(x), color=EGG, lw=0.8, label="unit normal")
    axes.set(xlim=(-4.5, 4.5), ylim=(0, 0.8))
    axes.set(xlabel="Pull at fixed $z$, mass and type", ylabel="Density")
    axes.legend(loc="upper left", fontsize=6.5)


def draw_grid(axes, grid):
    """Draw the differences of the fluxes without scatter."""
    for factor, band in zip(
        np.linspace(0.97, 1.03, len(PAPER_BANDS)), PAPER_BANDS, strict=True
    ):
        position, values = factor * (1 + grid["z"]), 100.0 * grid[f"S{band}_mJy"]
        style = {"color": COLOURS[band], "ms": 2.5, "mfc": "none", "mew": 0.6}
        axes.plot(position, values, MARKERS[band], **style)
    axes.axhline(0.0, color=EGG, lw=0.6)
    axes.set_xscale("log")
    axes.set_xticks([1, 2, 3, 4, 5, 7], ["1", "2", "3", "4", "5", "7"])
    axes.set_xticks([], minor=True)
    axes.set(xlabel="1 + z", ylabel="Difference of the flux\nwithout scatter [%]")
    axes.margins(y=0.15)
    note(axes, f"{len(grid)} points of redshift, mass and type", y=0.96)
