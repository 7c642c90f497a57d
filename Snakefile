"""SuperSPIRE, from the root of the repository; see workflow/Snakefile."""


include: "workflow/Snakefile"


rule everything:
    """Make what `all` makes: a default target has to be in the file that is called."""
    default_target: True
    input:
        rules.all.input,
