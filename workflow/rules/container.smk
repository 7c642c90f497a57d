"""
The container of all jobs under `--sdm apptainer`.

In: SUPERSPIRE_IMAGE, an image made from envs/Dockerfile: a .sif file or an address.
Without it, jobs run in the environment that Snakemake runs in.
"""

if os.environ.get("SUPERSPIRE_IMAGE"):

    container: os.environ.get("SUPERSPIRE_IMAGE")
