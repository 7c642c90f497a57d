"""Help.

Out: on the terminal, every target with what it is. Included last, since it tells about
all the other rules; it needs neither cores nor a run.
"""

from superspire.help import overview


rule help:
    """Print every target with what it is."""
    localrule: True


if "help" in sys.argv[1:]:
    print(overview(workflow.rules))
    sys.exit()
