"""Source extraction, matching, calibration and what is measured of them."""
