"""A network that super-resolves and lists the sources, for accurate catalogues.

It goes beyond the paper: `architecture` says how. `skies` makes the sky that it is
trained on and `crops` the images, `labels` what it should answer, `losses` and
`training` teach it, `prediction` applies it to maps of any size, `catalogue` reads the
sources from its answer and `calibration` makes their fluxes and errors honest.
"""
