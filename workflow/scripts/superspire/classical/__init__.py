"""Classical methods of source extraction, which a network has to beat.

Every method takes native SPIRE maps and gives a table with ``ra``, ``dec`` [deg],
``flux`` at 450 µm [mJy] and ``snr``.
"""
