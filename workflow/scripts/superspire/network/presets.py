"""Weights of the loss terms for different ends (section 5)."""

TERMS = ("aperture", "spurious", "pixel", "mean", "median")

PRESETS = {
    "literal": dict.fromkeys(TERMS, 1.0),
    "balanced": {
        "aperture": 2e-3,
        "spurious": 1e-5,
        "pixel": 1.0,
        "mean": 0.1,
        "median": 0.1,
    },
}
"""Weights of the terms, of which the paper gives none; "literal" takes all as one."""
