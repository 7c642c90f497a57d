"""Check the astrometry, flux scale and noise of a field before it is used."""

from pathlib import Path

from superspire.checks.checks import check_maps, summary
from superspire.checks.extended import find_extended, write_extended
from superspire.checks.inputs import read_observations
from superspire.checks.pointing import judge_pointing, measure_pointing
from superspire.checksums import verify
from superspire.io import read_json, write_json
from superspire.job import run
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


def main(job, terminal):
    params = job.params
    observations = read_observations(job.input, params.options, params.reading)
    expected = read_expected(job.input)
    checks = check_maps(observations, expected, params.field)
    extended = find_extended(observations)
    checks["extended"] = extended.record()
    checks["warnings"] += extended.warnings()
    checks["pointing"], sentences = check_pointing(job, observations)
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
