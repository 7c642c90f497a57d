"""What the rules share: the checked configuration, code digests, target lists."""

import contextlib
import hashlib
import os
import re
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate


def local_copy(source):
    """Find a folder of the workflow on this machine.

    Snakemake fetches the files of a remote module one by one, as it meets them; the
    package beside the scripts would be left behind. The commit is therefore unpacked as
    a whole, once, into Snakemake's cache, which other nodes must see.
    """
    path = source.get_path_or_uri(secret_free=True)
    if Path(path).exists():
        return Path(path)
    if hasattr(source, "hosted_repo"):
        repository = source.hosted_repo.repo
    elif hasattr(source, "repo_path"):
        from git import Repo

        repository = Repo(source.repo_path)
    else:
        raise WorkflowError(
            f"module: expected a folder or github(...) as source, found {path}"
        )
    cache = Path(workflow.sourcecache.cache_path) / "superspire"
    folder = cache / repository.commit(source.ref).hexsha
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        unpacked = tempfile.mkdtemp(dir=cache)
        with tempfile.TemporaryFile() as file:
            repository.archive(file, source.ref, format="tar")
            file.seek(0)
            with tarfile.open(fileobj=file) as archive:
                archive.extractall(unpacked, filter="data")
        try:
            os.rename(unpacked, folder)
        except OSError:
            shutil.rmtree(unpacked)
    return folder / source.path


HERE = local_copy(workflow.current_basedir)
SCRIPTS = HERE.parent / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))

from superspire.configuration import check, named_bands, order
from superspire.digest import code_digest as digest_code
from superspire.errors import InputError
from superspire.instruments import EXTRA_BANDS, PAPER_BANDS, PRIOR_BAND, SPIRE

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

SCHEMA = HERE.parent / "schemas" / "config.schema.yaml"
IS_MODULE = workflow.modifier.namespace is not None

named_bands(config)
try:
    check(config, SCHEMA)
except InputError as error:
    sys.exit(f"Error: {error}")
validate(config, str(SCHEMA))
order(config)

SIMULATED = [f"simulated_{i}" for i in range(config["simulation"]["fields"])]
FIGURES = [f"fig{i}" for i in range(1, 8)]
TABLES = [f"table{i}" for i in range(1, 4)]
MOCK_CENTERS = {"observed": (150.12, 2.21), "independent": (34.5, -5.0)}
MOCKED = not config["observed"]["maps"]
HOLDOUT = [] if MOCKED or not config["observed"]["holdout"] else ["holdout"]
DATASETS = ["simulated", "observed", *HOLDOUT, "independent"]
NO_TERMS = dict.fromkeys(("aperture", "spurious", "mean", "median"), 0.0)
VARIANTS = {
    "unit_weights": {
        "loss": {"preset": "unit_weights", "weights": {}, "pixel": "l1"},
    },
    "galaxygan": {
        "loss": {
            "preset": "unit_weights",
            "weights": {**NO_TERMS, "pixel": 100.0},
            "pixel": "l1",
            "adversarial": 1.0,
        },
    },
    "simulation_only": {"training": {"observed_passes": 0}},
}
OF_ALL_NETWORKS = tuple(
    f"results/{folder}/" for folder in ("skies", "cutouts", "interpolated", "sources")
)


wildcard_constraints:
    sky=r"simulated_\d+|observed|independent",
    dataset="|".join(DATASETS),
    band="|".join(str(band) for band in PAPER_BANDS),
    field=r"[A-Za-z0-9_.+-]+",
    other=r"[A-Za-z0-9_.+-]+",


# Every job runs in this container under `--sdm apptainer`: an image made from
# envs/Dockerfile, as a .sif file or an address.
if os.environ.get("SUPERSPIRE_IMAGE"):

    container: os.environ.get("SUPERSPIRE_IMAGE")


def code_digest(script):
    """Digest what a script and the modules that it imports compute."""
    return digest_code(script, SCRIPTS)


def sky_section(sky):
    """Section of the configuration that a sky is made by."""
    return config["simulation" if sky.startswith("simulated") else "observed"]


def sky_source(sky):
    """Where the galaxies of a sky come from: a model, EGG or a catalogue's section."""
    return config["simulation" if sky.startswith("simulated") else sky]["catalogue"]


def sky_model(wildcards):
    """Model that a sky is simulated with."""
    return "2sfm" if sky_source(wildcards.sky) == "2sfm" else "egg"


def skies_from(*sources):
    """Pattern of the mock skies whose galaxies come from one of some sources."""
    mocked = [*SIMULATED, "independent", *(["observed"] if MOCKED else [])]
    kinds = {
        s: "file" if isinstance(sky_source(s), dict) else sky_source(s) for s in mocked
    }
    return "|".join(s for s in mocked if kinds[s] in sources) or "none"


def catalogue_file(wildcards):
    """Catalogue that a sky is imported from."""
    number = wildcards.sky.rpartition("_")[2]
    return without_braces(sky_source(wildcards.sky)["file"].replace("{field}", number))


def real_beams():
    """SPIRE's beams as `read_beam` writes them, by band, if they are configured files."""
    files = config["realism"]["spire_beams"]
    if not isinstance(files, dict):
        return {}
    return {str(band): f"results/beams/{band}.npz" for band in SPIRE}


def real_depths():
    """Error maps as `read_depth_map` writes them, by band."""
    return {band: f"results/depth/{band}.npz" for band in config["realism"]["depth"]}


def realism(*keys):
    """Some keys of the section on realism, with beams as the workflow reads them."""
    chosen = {key: config["realism"][key] for key in keys}
    if real_beams() and "spire_beams" in chosen:
        chosen["spire_beams"] = real_beams()
    return chosen


def sky_area(wildcards):
    """Area of a sky [deg²]."""
    if wildcards.sky.startswith("simulated"):
        return config["simulation"]["field_area"]
    return config[wildcards.sky]["area"]


def sky_center(wildcards):
    """Right ascension and declination of a sky's centre [deg]."""
    if wildcards.sky in MOCK_CENTERS:
        return MOCK_CENTERS[wildcards.sky]
    return ((180.0 + 20.0 * int(wildcards.sky.split("_")[1])) % 360.0, 2.0)


def sky_noise(wildcards):
    """White noise of each band of a sky [mJy/beam]."""
    section = sky_section(wildcards.sky)
    noise = {str(band): section["spire_noise"] for band in SPIRE}
    return {**noise, "450": section["target_noise"]}


def skies(wildcards):
    """Skies that a dataset is cut from."""
    if wildcards.dataset == "simulated":
        return SIMULATED
    return ["observed" if wildcards.dataset == "holdout" else wildcards.dataset]


def sky_maps(wildcards):
    """Maps of all the skies that a dataset is cut from."""
    return [
        f"results/skies/{sky}/{band}.fits"
        for sky in skies(wildcards)
        for band in PAPER_BANDS
    ]


def sky_catalogues(wildcards):
    """True sources of a dataset's skies: injected or published ones, or none."""
    real = not MOCKED and wildcards.dataset in ("observed", "holdout")
    if real and not config["observed"]["reference"]:
        return []
    return [f"results/skies/{sky}/catalogue.fits" for sky in skies(wildcards)]


def without_braces(file):
    """Link a file whose name Snakemake would take for a pattern; give the link."""
    if "{" not in file or not Path(file).exists():
        return file
    source = Path(file).resolve()
    digest = hashlib.sha256(str(source).encode()).hexdigest()[:12]
    link = Path(".snakemake/links", digest, re.sub("[{}]", "_", source.name))
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(source)
    return str(link)


def observed_map(wildcards):
    """File of an observed band, as configured."""
    return without_braces(config["observed"]["maps"][wildcards.band])


def validation_options(wildcards):
    """What counts as recovered when the network is measured after every epoch."""
    extraction = config["extraction"]
    limits = {key: extraction[key] for key in ("threshold", "min_flux")}
    return {"radius": extraction["strict_radius"], **limits}


def unet_options(wildcards):
    """Options of the paper's network."""
    options = dict(config["network"])
    del options["architecture"]
    return options


def training_configuration(wildcards):
    """Everything in the configuration that has a part in the training."""
    sections = ("seed", "simulation", "observed", "realism", "loss", "training")
    chosen = {key: config[key] for key in sections}
    chosen["network"] = unet_options(wildcards)
    later = ("reference", "holdout")
    chosen["observed"] = {k: v for k, v in chosen["observed"].items() if k not in later}
    return chosen


def variant_section(name):
    """Make a section of the configuration that a variant changes."""
    return lambda wildcards: {
        **config[name],
        **VARIANTS[wildcards.variant].get(name, {}),
    }


def of_variant(files):
    """Name the files of a variant of the network as those of the configured one."""

    def moved(path):
        if isinstance(path, list):
            return [moved(one) for one in path]
        if not isinstance(path, str) or path.startswith(OF_ALL_NETWORKS):
            return path
        return path.replace("results/", "results/variants/{variant}/", 1)

    return {name: moved(path) for name, path in files.items()}


def deblender(name, trained="spire"):
    """A file of the deblender: of the one trained here, or of one that comes trained."""
    if not config["deblender"]["train"]:
        return resource(f"pretrained/{trained}/{name.replace('weights.h5', 'npz')}")
    folder = "training" if name == "expected_sky.json" else "deblender"
    return f"results/{folder}/{name}"


def calibration_noises(steps):
    """Noise at which the deblender is calibrated [mJy/beam]."""
    augmentation = config["deblender"]["noise_augmentation"]
    if not augmentation:
        return [config["deblender"]["noise"]]
    low, high = augmentation["noise"]
    return [round(low * (high / low) ** (i / steps), 3) for i in range(steps + 1)]


def calibration_levels(wildcards):
    """Noise [mJy/beam] and depths [mJy] at which the deblender is calibrated."""
    options = config["deblender"]
    extra = min(options["depth"], key=int, default=None)
    if extra is None:
        noises = {options["noise"], *calibration_noises(8)}
        return [(noise, {}) for noise in sorted(noises)]
    if not options["noise_augmentation"]:
        return [(options["noise"], options["depth"])]
    nominal = options["depth"][extra]
    first, last = options["noise_augmentation"]["depth"].get(extra, [nominal] * 2)
    steps = [first * (last / first) ** (i / 3) for i in range(4 if last > first else 1)]
    depths = [{}, *(options["depth"] | {extra: round(depth, 5)} for depth in steps)]
    return [(noise, depth) for depth in depths for noise in calibration_noises(4)]


def trained_for(field):
    """Name the network that comes trained for what a field gives."""
    gives_prior_band = str(PRIOR_BAND) in field["maps"] or field.get("prior")
    return f"spire_{PRIOR_BAND}" if gives_prior_band else "spire"


def field_network(name):
    """Name a file of the network of a field; that it comes trained is checked."""

    def file(wildcards):
        trained = trained_for(field_section(wildcards))
        found = deblender(name, trained)
        if not config["deblender"]["train"] and not Path(found).exists():
            refuse(
                f"fields.{wildcards.field}: expected a network that comes trained for "
                f"{PRIOR_BAND} µm maps and lists, found none ({found}); train one "
                f"(deblender.train, deblender.bands) or give SPIRE maps only"
            )
        return found

    return file


def expected_sky(wildcards):
    """What the colours and the noise of a field's maps are compared with."""
    if config["network"]["architecture"] == "unet":
        return "results/training/expected_sky.json"
    return field_network("expected_sky.json")(wildcards)


def varied_network(wildcards):
    """The network of a field, if its training varied the noise."""
    if config["network"]["architecture"] == "unet":
        return {}
    return {"network": field_network("network.json")(wildcards)}


def is_perturbed(part):
    """Whether a field of the deblender, such as train_3, departs from the model."""
    kind, number = part.split("_")
    before, after = (
        int(config["deblender"]["perturbed_fraction"] * (int(number) + i))
        for i in (0, 1)
    )
    return kind == "train" and after > before


def deblender_field(wildcards):
    """Area of a field of the deblender [deg²], and whether it departs from the model."""
    return {
        "area": config["deblender"]["area"],
        "perturbed": is_perturbed(wildcards.part),
    }


def deblender_files(kind, number, alike=False):
    """Files of some of the deblender's fields, perhaps just of those like the model."""
    parts = (f"{kind}_{i}" for i in range(number))
    return [
        f"results/deblender/fields/{part}/{name}.npy"
        for part in parts
        if not (alike and is_perturbed(part))
        for name in ("signal", "noise", "target", "sources")
    ]


def refuse(sentence):
    """End in one line; in a module, let the parent try a rule of its own."""
    if IS_MODULE:
        raise WorkflowError(sentence)
    sys.exit(f"Error: {sentence}")


def field_section(wildcards):
    """Section of the configuration of a field."""
    fields = config["fields"]
    if wildcards.field not in fields:
        refuse(
            f"fields: there is no field {wildcards.field!r} in the configuration; "
            f"found: {', '.join(fields) or 'none'}"
        )
    return fields[wildcards.field]


def field_options(wildcards):
    """Section of a field without the list of positions, which its map is free of."""
    section = field_section(wildcards)
    return {key: value for key, value in section.items() if key != "positions"}


def can_be_made(file):
    """Whether a missing file may come from a rule, here or of a parent workflow."""
    downloaded = file.startswith("data/") and file[5:] in config["downloads"]
    return IS_MODULE or downloaded or file.startswith("results/")


def map_files(wildcards, bands):
    """Files of the maps of a configured field in some bands, their masks and errors."""
    field, found = field_section(wildcards), {}
    for kind in ("maps", "masks", "errors"):
        for band, file in field.get(kind, {}).items():
            if int(band) not in bands:
                continue
            if not Path(file).exists() and not can_be_made(file):
                refuse(
                    f"fields.{wildcards.field}.{kind}.{band}: expected a FITS file, "
                    f"found no file {file}"
                )
            found[f"{kind.removesuffix('s')}_{band}"] = without_braces(file)
    return found


def field_maps(wildcards):
    """Files of the three SPIRE maps of a configured field, their masks and errors."""
    return map_files(wildcards, SPIRE)


def extra_maps(wildcards):
    """Files of what a field gives besides: maps of other bands, known sources."""
    found = map_files(wildcards, EXTRA_BANDS)
    prior = field_section(wildcards).get("prior")
    if prior:
        file = prior["file"]
        if not Path(file).exists() and not can_be_made(file):
            refuse(
                f"fields.{wildcards.field}.prior.file: expected a table, found no file "
                f"{file}"
            )
        found["prior"] = without_braces(file)
    return found


def field_reference(wildcards):
    """Published catalogue of a configured field."""
    field = field_section(wildcards)
    if not field.get("reference"):
        refuse(f"fields.{wildcards.field}.reference: expected a catalogue, found none")
    return without_braces(field["reference"]["file"])


def field_positions(wildcards):
    """List of positions of a configured field."""
    field = field_section(wildcards)
    if not field.get("positions"):
        refuse(f"fields.{wildcards.field}.positions: expected a list, found none")
    return without_braces(field["positions"]["file"])


def has_fluxes(field):
    """Whether a field has a reference with 450 µm fluxes to compare with."""
    reference = field.get("reference")
    return bool(reference) and reference.get("columns", {}).get("flux", "") is not None


def known_positions(wildcards):
    """Catalogue that the pointing of a field is measured with, if it has one."""
    field = field_section(wildcards)
    if field.get("reference") or "pointing" in field.get("correct", []):
        return {"reference": field_reference(wildcards)}
    return {}


def figures(wildcards=None):
    """Every figure as PDF and PNG."""
    return [f"results/{figure}.{kind}" for figure in FIGURES for kind in ("pdf", "png")]


def tables(wildcards=None):
    """Every table as TeX and CSV."""
    return [f"results/{table}.{kind}" for table in TABLES for kind in ("tex", "csv")]


def fields(wildcards=None):
    """Products of every configured field, and the checks of the observed one."""
    products = [f"results/fields/{f}/superresolved.fits" for f in config["fields"]]
    compared = [name for name, field in config["fields"].items() if has_fluxes(field)]
    products += [f"results/fields/{field}/reference.pdf" for field in compared]
    listed = [
        name for name, field in config["fields"].items() if field.get("positions")
    ]
    products += [f"results/fields/{field}/forced.fits" for field in listed]
    return products + ([] if MOCKED else ["results/skies/observed/checks.json"])


def resource(name):
    """Find a table that the workflow brings along."""
    return str(HERE.parent.parent / "resources" / name)


def initial_network():
    """The network whose weights a training of the deblender begins with, if any."""
    path = config["deblender"]["initial"]
    if not path:
        return []
    published = Path("resources") in Path(path).parents and not Path(path).exists()
    return [resource(Path(path).relative_to("resources")) if published else path]


def validation_grid(wildcards):
    """Points at which the sky model is evaluated without scatter."""
    return config["validation"]["grid"] or resource("validation/grid.csv")
