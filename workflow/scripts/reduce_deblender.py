"""Make the network for SPIRE alone of one that takes other bands as well."""

from superspire.deblender.architecture import begin_from, build_deblender
from superspire.deblender.inference import load_deblender
from superspire.deblender.inputs import SPIRE_BANDS
from superspire.io import write_json
from superspire.job import run


def main(job):
    trained = load_deblender(job.input.network, folded=False)
    meta = trained.meta
    architecture = meta["architecture"] | {
        "bands": {str(band): pixels for band, pixels in SPIRE_BANDS.items()}
    }
    network = build_deblender(**architecture)
    begin_from(network, trained, SPIRE_BANDS)
    network.save_weights(job.output.weights)
    level = meta["sky_level"]
    write_json(
        job.output.network,
        {
            **meta,
            "architecture": architecture,
            "sky_level": {band: level[str(band)] for band in map(str, SPIRE_BANDS)},
            "reduced_from": meta["architecture"]["bands"],
            "training": meta["training"] | {"depth": {}},
            "parameters": network.count_params(),
        },
    )


if __name__ == "__main__":
    run(main, snakemake)
