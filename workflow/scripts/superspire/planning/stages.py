"""The jobs of a configuration, with their sizes: what a plan counts."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area

from superspire.dataset.cutouts import columns_of
from superspire.instruments import BANDS, CUTOUT, SPIRE

CATALOGUE = 9.3
"""Size of a catalogue of galaxies above 10^9.5 Lsun [MB/deg²]."""

MAPS = sum((3600.0 / band.pixel) ** 2 for band in BANDS.values()) * 4e-6
"""Size of the maps of a sky [MB/deg²]."""

STACKS = sum((CUTOUT / band.pixel) ** 2 for band in BANDS.values()) * 4e-6
"""Size of a cutout in the native pixels of all bands [MB]."""

IMAGES = 4e-6 * CUTOUT**2
"""Size of an image of 1 arcsec pixels [MB]."""

PRODUCTS = 168.0
"""Size of what is made of a field: map, errors, coverage, catalogue [MB/deg²]."""

TRAINING_FIELD = 35.0
"""Size of a training field of the deblender [MB/deg²]."""

WIDTH = 1.36
"""Power of the time of a training step on the number of filters, as measured."""


@dataclass(frozen=True)
class Stage:
    """The jobs of a rule.

    Attributes
    ----------
    rule : str
    unit : str
        What their sizes count.
    jobs : dict of str to float
        Size of each job, by its name in the folder of the rule's benchmarks; the only
        job of a rule has an empty name.
    megabytes : float
        What each unit leaves on the disk [MB].
    """

    rule: str
    unit: str
    jobs: dict
    megabytes: float = 0.0

    @property
    def size(self):
        """Size of all jobs."""
        return sum(self.jobs.values())


def mock_skies(config):
    """Areas of the skies that are simulated [deg²], by name."""
    simulation = config["simulation"]
    areas = {
        f"simulated_{i}": simulation["field_area"] for i in range(simulation["fields"])
    }
    if not config["observed"]["maps"]:
        areas["observed"] = config["observed"]["area"]
    return areas | {"independent": config["independent"]["area"]}


def cutouts(config):
    """Numbers of cutouts of the datasets whose size the configuration says."""
    side = int(3600.0 * sqrt(config["independent"]["area"]))
    return {
        "simulated": config["simulation"]["cutouts"],
        "observed": config["observed"]["grid"] ** 2,
        "independent": columns_of(side) ** 2,
    }


def training_images(config, numbers):
    """Images that the paper's network sees in its training, of 16 base filters."""
    training, simulation = config["training"], config["simulation"]
    limits = training["images_per_pass"]
    reserved = simulation["validation_fraction"] + simulation["test_fraction"]
    simulated = int(numbers["simulated"] * (1.0 - reserved))
    observed = 7 * numbers["observed"]
    simulated = min(simulated, limits["simulated"] or simulated)
    observed = min(observed, limits["observed"] or observed)
    images = simulated + training["observed_passes"] * observed
    width = (config["network"]["base_filters"] / 16.0) ** WIDTH
    return training["epochs"] * images * width


def deblender_stages(config):
    """List the jobs that train the deblender, if it is to be trained."""
    options = config["deblender"]
    if not options["train"]:
        return []
    parts = {"train": options["fields"], "validation": 1, "calibration": 8}
    fields = {f"{k}_{i}": options["area"] for k, n in parts.items() for i in range(n)}
    width = (options["base_filters"] / 32.0) ** WIDTH
    images = options["epochs"] * options["images"] * width
    return [
        Stage("simulate_training_field", "deg2", fields, TRAINING_FIELD),
        Stage("train_deblender", "images of 32 filters", {"": images}),
        Stage("calibrate_deblender", "fields", {"": 8.0}),
    ]


def paper_stages(config):
    """List the jobs behind the figures and tables of the paper."""
    areas, numbers = mock_skies(config), cutouts(config)
    simulated = sum(v for k, v in areas.items() if k.startswith("simulated"))
    cut = {"simulated": simulated, "independent": areas["independent"]}
    if "observed" in areas:
        cut["observed"] = areas["observed"]
    simulation = config["simulation"]
    reserved = simulation["validation_fraction"] + simulation["test_fraction"]
    tested = numbers | {"simulated": round(reserved * numbers["simulated"])}
    trained = {k: numbers[k] for k in ("simulated", "observed")}
    calibrated = {k: tested[k] for k in ("simulated", "observed")}
    return [
        Stage("simulate_catalogue", "deg2", areas, CATALOGUE),
        Stage("make_maps", "deg2", areas, MAPS),
        Stage(
            "cut_cutouts",
            "deg2",
            cut,
            STACKS * sum(numbers.values()) / sum(cut.values()),
        ),
        Stage("find_sources", "cutouts", trained),
        Stage("interpolate_cutouts", "cutouts", numbers, 3 * IMAGES),
        Stage(
            "train_network",
            "images of 16 filters",
            {"": training_images(config, numbers)},
        ),
        Stage("super_resolve", "cutouts", tested, IMAGES),
        Stage("extract_sources", "cutouts", tested),
        Stage("list_injected_sources", "cutouts", tested),
        Stage("measure_recovery", "cutouts", tested),
        Stage("stack_sources", "cutouts", tested),
        Stage("calibrate_fluxes", "cutouts", calibrated),
        Stage("figures and tables", "runs", {"": 1.0}),
    ]


def map_area(path):
    """Area of the largest image of a FITS file that has celestial coordinates [deg²].

    Borders without observations count: it is an upper limit. None without such image.
    """
    areas = []
    with fits.open(path, memmap=True) as hdus:
        for hdu in hdus:
            shape = hdu.shape if hdu.is_image else ()
            wcs = WCS(hdu.header).celestial if len(shape) >= 2 else None
            if wcs is not None and wcs.naxis == 2:
                areas.append(float(np.prod(shape[-2:]) * proj_plane_pixel_area(wcs)))
    return max(areas, default=None)


def field_stages(config):
    """List the jobs of the configured fields whose maps are there."""
    areas = {}
    for name, field in config["fields"].items():
        try:
            area = map_area(field["maps"][str(SPIRE[0])])
        except (OSError, KeyError, ValueError):
            area = None
        if area:
            areas[name] = area
    if not areas:
        return []
    return survey_stages(areas, config["network"]["architecture"])


def survey_stages(areas, architecture="deblender"):
    """List the jobs of fields of given areas [deg²], by name."""
    rule = "deblend_field" if architecture == "deblender" else "super_resolve_field"
    return [
        Stage("check_field", "deg2", areas),
        Stage(rule, "deg2", areas, PRODUCTS),
    ]
