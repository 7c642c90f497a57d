"""
What jobs need of a machine, and which are too light for a queue.

The memory of each rule was measured (benchmarks, and the peaks of whole processes) for
the default configuration and for the paper's; it grows with what the job reads or with
the area of sky, and doubles with every further attempt. Profiles say where jobs run.
"""

OVERHEAD = 600
"""Memory of Snakemake itself, which runs twice in every job of a cluster [MB]."""


resource_scopes:
    gpu="local",


localrules:
    augment_cutouts,
    compare_conditions,
    compare_trainings,
    compare_variant,
    comparison,
    fig4,
    fig5,
    fig7,
    measure_selection_function,
    plot_learning,
    plot_methods,
    plot_validation,
    summarise_validation,
    table1,
    table3,


def memory(fixed, per_input=0.0, per_area=0.0):
    """Memory of a job [MB], for each MB that it reads and each deg² of its sky."""

    def needed(attempt, input_size=0.0, area=0.0):
        once = OVERHEAD + fixed + per_input * input_size + per_area * area
        return int(once * 2 ** (attempt - 1))

    if per_area:
        return lambda wildcards, attempt: needed(attempt, 0.0, sky_area(wildcards))
    if per_input:
        return lambda wildcards, input, attempt: needed(attempt, input.size_mb)
    return lambda wildcards, attempt: needed(attempt)


def training_memory():
    """Memory of a training of the network [MB]: of its images, layers and a GPU."""
    batch = config["training"]["batch"]
    largest = max(batch.values()) if isinstance(batch, dict) else batch
    filters = config["network"]["base_filters"]
    return memory(4000 + 10 * filters * largest, per_input=1.2)
