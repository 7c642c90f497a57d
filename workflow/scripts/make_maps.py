"""Observe the simulated sources in every band."""

from superspire.instruments import BANDS
from superspire.io import read_table, write_map
from superspire.seeds import stream
from superspire.sky.maps import make_map


def main(job):
    params = job.params
    sky = read_table(job.input.catalogue)
    side = 3600.0 * params.area**0.5
    for path, band in zip(job.output, BANDS, strict=True):
        noise = params.noise[str(band)]
        map_ = make_map(
            sky["RA"].data,
            sky["DEC"].data,
            sky[f"S{band}"].data,
            band,
            params.center,
            side,
            noise,
            stream(params.seed, "noise", job.wildcards.sky, band),
            params.scuba2_beam,
        )
        write_map(
            path,
            map_,
            BANDS[band].fwhm,
            WAVELNTH=(band, "[um]"),
            NOISE=(noise, "[mJy/beam] white noise per pixel"),
            SEED=params.seed,
        )
        print(f"{band} um: {map_.data.shape}, rms {map_.data.std():.3f} mJy/beam")


if __name__ == "__main__":
    from superspire.job import job

    with job(snakemake):
        main(snakemake)
