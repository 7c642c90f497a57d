"""Checks of maps before they are used: astrometry, beams, flux scale and noise."""
