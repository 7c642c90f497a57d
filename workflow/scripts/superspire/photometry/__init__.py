"""Detection, matching and photometry of sources."""
