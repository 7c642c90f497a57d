"""What every change of the deblender's recipe does."""

from pathlib import Path

import pandas as pd

from superspire.io import read_json
from superspire.job import run


def main(job):
    titles, records = job.params.titles, {}
    for path in job.input.networks:
        meta = read_json(path)
        records[Path(path).parent.name] = {
            "images": meta["training"]["images"],
            "parameters": meta["parameters"],
            "images_per_second": meta["history"][0]["images_per_second"],
        }
    rows = []
    for path in job.input.tables:
        name, table = Path(path).parent.name, pd.read_csv(path)
        own = table[table["method"] == "deblender"]
        rows.append(own.assign(variant=name, change=titles[name], **records[name]))
    table = pd.concat(rows).drop(columns="method")
    first = ["variant", "change", "images", "parameters", "images_per_second"]
    table = table[first + [name for name in table if name not in first]]
    table.to_csv(job.output[0], index=False, float_format="%.5g")
    print(table.T.to_string())


if __name__ == "__main__":
    run(main, snakemake)
