"""Super-resolution of Herschel SPIRE maps (Lauritsen et al. 2021)."""

__version__ = "0.1.0"
