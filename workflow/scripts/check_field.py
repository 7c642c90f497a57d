"""Check the astrometry, flux scale and noise of a field before it is used."""

from superspire.checks.checks import check_maps, summary
from superspire.checks.inputs import read_observations
from superspire.io import read_json, write_json
from superspire.job import run


def read_expected(inputs):
    """Read what to expect, and for which noise the network is, if for several."""
    expected = read_json(inputs.expected_sky)
    if inputs.get("network"):
        varied = read_json(inputs.network)["training"]["noise_augmentation"]
        if varied and varied["share"] > 0:
            for record in expected["bands"].values():
                record["noises_mjy_beam"] = varied["noise"]
    return expected


def main(job, terminal):
    params = job.params
    observations = read_observations(job.input, params.options, params.reading)
    expected = read_expected(job.input)
    checks = check_maps(observations, expected, params.field)
    write_json(job.output[0], checks)
    for line in summary(checks):
        print(line)
    name = params.field or "observed"
    for warning in checks["warnings"]:
        print(f"Warning: {warning}")
        print(f"{name}: {warning}", file=terminal)


if __name__ == "__main__":
    run(main, snakemake, progress=True)
