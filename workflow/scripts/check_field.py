"""Check the astrometry, flux scale and noise of a field before it is used."""

from pathlib import Path

from superspire.checks.checks import check_maps, summary
from superspire.checks.extended import find_extended, write_extended
from superspire.checks.extra_bands import add_checks, check_extra_bands, split_bands
from superspire.checks.inputs import read_observations
from superspire.checks.pointing import judge_pointing, measure_pointing
from superspire.checksums import verify
from superspire.errors import InputError
from superspire.io import read_json, write_json
from superspire.job import announce, run
from superspire.products.extra_bands import configured_prior
from superspire.products.reference import read_positions


def read_expected(inputs):
    """Read what to expect, and for which noise the network is, if for several."""
    expected = read_json(inputs.expected_sky)
    if inputs.get("network"):
        varied = read_json(inputs.network)["training"]["noise_augmentation"]
        if varied and varied["fraction"] > 0:
            for record in expected["bands"].values():
                record["noises_mjy_beam"] = varied["noise"]
    return expected


def check_pointing(job, observations):
    """Compare the field with the positions of its reference, if there is one."""
    reference = job.params.options.get("reference")
    if not reference:
        return None, []
    verify(job.input.reference)
    positions = read_positions(job.input.reference, reference.get("columns"))
    found = observations[250]
    fwhm = found.record["beam_fwhm_arcsec"]
    pointing = measure_pointing(found.map, *positions, fwhm)
    advice = f"; add pointing to fields.{job.params.field}.correct to correct it"
    wanted = "pointing" in job.params.options.get("correct", [])
    return judge_pointing(
        pointing,
        Path(reference["file"]).name,
        ", which is corrected" if wanted else advice,
    )


def check_prior(job, observations, notify):
    """Compare the list of known sources of a field with its map, if there is one."""
    if not job.input.get("prior"):
        return None, []
    prior = configured_prior(job.input.prior, job.params.options["prior"], notify)
    found = observations[250]
    fwhm = found.record["beam_fwhm_arcsec"]
    pointing = measure_pointing(found.map, prior.ra, prior.dec, fwhm)
    if not pointing.number:
        raise InputError(f"{prior.name}: expected sources in the field, found none")
    record, sentences = judge_pointing(pointing, prior.name)
    return prior.record() | {"pointing": record}, sentences


def main(job, terminal):
    params = job.params
    observations = read_observations(job.input, params.options, params.reading)
    expected = read_expected(job.input)
    observations, extra = split_bands(observations)
    checks = check_maps(observations, expected, params.field)
    add_checks(checks, check_extra_bands(extra, observations[250], params.field))
    extended = find_extended(observations)
    checks["extended"] = extended.record()
    checks["warnings"] += extended.warnings()
    checks["pointing"], sentences = check_pointing(job, observations)
    checks["warnings"] += sentences
    checks["prior"], sentences = check_prior(job, observations, announce(terminal))
    checks["warnings"] += sentences
    write_json(job.output[0], checks)
    if len(job.output) > 1:
        write_extended(job.output[1], extended.map)
    for line in summary(checks):
        print(line)
    name = params.field or "observed"
    for warning in checks["warnings"]:
        print(f"Warning: {warning}")
        print(f"{name}: {warning}", file=terminal)


if __name__ == "__main__":
    run(main, snakemake, progress=True)
