"""Learning curves: every term of the loss and the validation scores."""

from superspire.figures.style import COLOURS, PAGE, plt

KINDS = {
    "simulated": (COLOURS["simulated"], "simulated"),
    "observed": (COLOURS["observed"], "observed"),
    "validation": (COLOURS["independent"], "validation"),
}
TERMS = {
    "loss": "Loss",
    "aperture": "Aperture term",
    "spurious": "Spurious sources",
    "pixel": "Pixel term",
    "mean": "Difference of means",
    "median": "Difference of medians",
}
SCORES = {"completeness": "-", "purity": "--", "score": ":"}


def draw_learning(history, kept):
    """Draw the history of a training.

    Parameters
    ----------
    history : pandas.DataFrame
        One row for every epoch and pass: ``epoch``, ``kind``, the terms of the loss,
        and ``completeness``, ``purity``, ``score`` of the validation.
    kept : int
        Epoch whose weights were kept.

    Returns
    -------
    matplotlib.figure.Figure
    """
    terms = [term for term in TERMS if term in history]
    validated = history[history["kind"] == "validation"]
    scored = "score" in history
    rows = -(-(len(terms) + scored) // 3)
    figure, grid = plt.subplots(
        rows, 3, figsize=(PAGE, 1.9 * rows), sharex=True, squeeze=False
    )
    panels = iter(grid.flat)
    for term, axes in zip(terms, panels, strict=False):
        for kind, (colour, name) in KINDS.items():
            means = history[history["kind"] == kind].groupby("epoch")[term].mean()
            if means.notna().any():
                axes.plot(means.index, means, "o-", color=colour, label=name)
        axes.set(title=TERMS[term], yscale="log")
    if scored:
        axes = grid.flat[len(terms)]
        for name, line in SCORES.items():
            axes.plot(validated["epoch"], validated[name], line, color="k", label=name)
        axes.set(title="Validation, within 4 arcsec", ylim=(0, 1))
        axes.legend()
    for axes in grid.flat[len(terms) + scored :]:
        axes.set_visible(False)
    for axes in grid.flat[: len(terms) + scored]:
        axes.axvline(kept, color="0.6", lw=0.8, zorder=0)
        axes.set_xlabel("Epoch")
        axes.tick_params(labelbottom=True)
    grid.flat[0].legend()
    return figure
