"""Weights of the loss terms for different ends (section 5)."""

TERMS = ("aperture", "spurious", "pixel", "mean", "median")

BALANCED = {
    "aperture": 5e-4,
    "spurious": 1e-5,
    "pixel": 1.0,
    "mean": 0.1,
    "median": 0.1,
}

PRESETS = {
    "balanced": BALANCED,
    "unit_weights": dict.fromkeys(TERMS, 1.0),
    "purity": BALANCED | {"aperture": 2e-3, "spurious": 3e-4},
    "photometry": BALANCED | {"aperture": 2e-2, "mean": 0.3},
    "counts": BALANCED | {"spurious": 0.0},
}
"""Weights of the terms, of which the paper gives none; "unit_weights" takes all as one.
Nothing that was tried is more complete than "balanced". What each buys is measured by
``snakemake results/benchmark/presets.csv``."""
