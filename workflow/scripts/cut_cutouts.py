"""Cut a dataset out of the maps of its skies."""

import numpy as np
import pandas as pd

from superspire.dataset.cutouts import (
    cut,
    plan_holdout,
    plan_independent,
    plan_observed,
    plan_simulated,
)
from superspire.errors import InputError
from superspire.instruments import PAPER_BANDS, TARGET
from superspire.io import new_array, read_map
from superspire.job import run
from superspire.maps.interpolation import interpolate


def in_all_bands(target, paths):
    """Find which pixels of the 450 µm map every band has observed."""
    observed = np.isfinite(target.data)
    for path in paths:
        observed &= np.isfinite(interpolate(read_map(path), target.wcs, observed.shape))
    return observed


def plan(dataset, target, spire, params):
    shape = target.data.shape
    if dataset == "simulated":
        return plan_simulated(
            min(shape),
            params.skies,
            params.cutouts,
            params.validation_fraction,
            params.test_fraction,
        )
    if dataset == "independent":
        return plan_independent(min(shape), params.skies[0])
    observed = plan_observed(shape, params.skies[0], params.grid, params.step)
    if dataset == "holdout":
        return plan_holdout(in_all_bands(target, spire), params.skies[0], observed)
    return observed


def main(job):
    params = job.params
    files = np.reshape(job.input.maps, (len(params.skies), len(PAPER_BANDS)))
    target = list(PAPER_BANDS).index(TARGET)
    spire = np.delete(files[0], target)
    planned = plan(job.wildcards.dataset, read_map(files[0, target]), spire, params)
    indices = []
    stacks = None
    for sky, paths in zip(params.skies, files, strict=True):
        maps = {b: read_map(p) for b, p in zip(PAPER_BANDS, paths, strict=True)}
        index, own = cut(planned[planned["sky"] == sky], maps)
        indices.append(index)
        if stacks is None:
            stacks = {
                band: new_array(path, (len(planned), *own[band].shape[1:]))
                for band, path in zip(PAPER_BANDS, job.output.stacks, strict=True)
            }
        if not np.isfinite(own[TARGET]).all():
            raise InputError(
                f"{paths[target]}: expected observed sky in every cutout of the "
                f"{job.wildcards.dataset} set, found NaN; move or shrink its grid"
            )
        for band in PAPER_BANDS:
            stacks[band][index.index] = own[band]
    index = pd.concat(indices).sort_index()
    index.insert(0, "cutout", index.index)
    index.to_csv(job.output.index, index=False)
    print(index["split"].value_counts().to_string())


if __name__ == "__main__":
    run(main, snakemake)
