"""Skies and observations that differ from those of the training."""

from dataclasses import dataclass, field

from superspire.instruments import PRIOR_BAND

MIPS = PRIOR_BAND
"""Band of the map that a condition with a depth at 24 µm has besides SPIRE's [µm]."""

DROPOUT_FACTOR = 10.0
"""What the 24 µm flux of a drop-out is divided by, as by silicate absorption."""


@dataclass(frozen=True)
class Condition:
    """One sky and one way to observe it.

    Attributes
    ----------
    title : str
        What is different.
    catalogue : {"model", "2sfm"}
        Where the galaxies come from.
    noise : float
        White noise per native pixel [mJy/beam].
    pixels : dict of int to float
        Pixels of each band that differ [arcsec].
    beams : {"gaussian", "extended"}
        Beams of the bands.
    cirrus : float
        rms of the cirrus at 250 µm [MJy/sr].
    scale : dict of int to float
        Factor on the fluxes of each band that differs: its calibration.
    depth_24 : float or None
        Standard error of the flux of an isolated source at 24 µm [mJy]; None without a
        map of 24 µm.
    dropouts_24 : float
        Fraction of the galaxies whose flux at 24 µm is divided by `DROPOUT_FACTOR`.
    listed_24 : dict
        What describes a list that is given instead of the map of 24 µm, see
        `superspire.deblender.skies.SourceList`; empty for a map.
    """

    title: str
    catalogue: str = "model"
    noise: float = 2.0
    pixels: dict = field(default_factory=dict)
    beams: str = "gaussian"
    cirrus: float = 0.0
    scale: dict = field(default_factory=dict)
    depth_24: float | None = None
    dropouts_24: float = 0.0
    listed_24: dict = field(default_factory=dict)


def make_list(limit, with_fluxes=True, wrong=0.0):
    """Describe a list, see `superspire.deblender.skies.SourceList`."""
    return {"limit": limit, "with_fluxes": with_fluxes, "wrong": wrong}


CONDITIONS = {
    "nominal": Condition("as trained"),
    "2sfm": Condition("galaxies of another model", catalogue="2sfm"),
    "noise_1": Condition("noise 1 mJy/beam", noise=1.0),
    "noise_5": Condition("noise 5 mJy/beam", noise=5.0),
    "noise_9": Condition("noise 9 mJy/beam", noise=9.0),
    "pixels_hsa": Condition(
        "pixels of 6, 10, 14 arcsec", pixels={350: 10.0, 500: 14.0}
    ),
    "pixels_hatlas": Condition("pixels of 6, 8, 12 arcsec", pixels={350: 8.0}),
    "calibration": Condition(
        "250 µm 5 % high, 500 µm 5 % low", scale={250: 1.05, 500: 0.95}
    ),
    "beams": Condition("beams of the true areas", beams="extended"),
    "cirrus": Condition("cirrus of 0.3 MJy/sr", cirrus=0.3),
    "degraded": Condition(
        "noise 5 mJy/beam, true beam areas, cirrus of 0.3 MJy/sr",
        noise=5.0,
        beams="extended",
        cirrus=0.3,
    ),
    "mips_15": Condition("24 µm of 15 µJy", depth_24=0.015),
    "mips_60": Condition("24 µm of 60 µJy", depth_24=0.06),
    "mips_dropouts": Condition(
        "24 µm of 15 µJy, 10 % drop-outs", depth_24=0.015, dropouts_24=0.1
    ),
    "mips_2sfm": Condition(
        "24 µm of 15 µJy, galaxies of another model", catalogue="2sfm", depth_24=0.015
    ),
    "list_75": Condition(
        "list above 75 µJy", depth_24=0.015, listed_24=make_list(0.075)
    ),
    "list_300": Condition(
        "list above 300 µJy", depth_24=0.06, listed_24=make_list(0.3)
    ),
    "list_plain": Condition(
        "list above 75 µJy without fluxes",
        depth_24=0.02,
        listed_24=make_list(0.075, with_fluxes=False),
    ),
    "list_wrong": Condition(
        "list above 75 µJy without fluxes, half of it wrong",
        depth_24=0.02,
        listed_24=make_list(0.075, with_fluxes=False, wrong=1.0),
    ),
}

WITH_24 = tuple(name for name, one in CONDITIONS.items() if one.depth_24)
"""Conditions with a map or a list of 24 µm."""

MAPPED_24 = tuple(name for name in WITH_24 if not CONDITIONS[name].listed_24)
"""Those with a map."""

SPIRE_ALONE = tuple(name for name in CONDITIONS if name not in WITH_24)
"""The others."""
