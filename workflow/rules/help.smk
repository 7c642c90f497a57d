"""Help.

Out: on the terminal, every target with what it is, and at the end of a run what went
wrong. Included last, since it tells about all the other rules.
"""

from superspire.failures import summary
from superspire.help import find_unknown, overview, requested


rule help:
    """Print every target with what it is."""
    localrule: True


if "help" in sys.argv[1:]:
    print(overview(workflow.rules))
    sys.exit()

unknown = find_unknown(requested(sys.argv[1:]), workflow.rules)
if unknown and workflow.is_main_process:
    sys.exit(f"Error: {unknown}")


onerror:
    print(summary(log), file=sys.stderr)
