"""Classical methods of source extraction, which a network has to beat.

Every method takes native SPIRE maps and gives a table with ``ra``, ``dec`` [deg],
``flux`` at 450 µm [mJy] and ``snr``.
"""

TITLES = {
    "blind_500": "Blind, 500 µm",
    "blind_250": "Blind, 250 µm",
    "deconvolution": "Richardson-Lucy, 250 µm",
    "matched_filter": "Matched filter, 250 µm",
    "forced": "Least squares at 250 µm positions",
    "multiband_filter": "Multi-band matched filter",
    "forced_true": "Least squares at true positions",
}
"""Name of a classical method to what readers call it, the weakest first and the
ceiling last."""
