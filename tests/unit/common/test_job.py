"""Scripts log what they print and end bad input in one sentence."""

import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"

BODY = """
import sys
from types import SimpleNamespace
sys.path.insert(0, {scripts!r})
from superspire.errors import InputError
from superspire.job import job
with job(SimpleNamespace(log=[{log!r}])) as terminal:
    print("to the log")
    print("to the user", file=terminal)
    raise {error}
"""


def run(tmp_path, error):
    log = tmp_path / "job.log"
    body = BODY.format(scripts=str(SCRIPTS), log=str(log), error=error)
    done = subprocess.run(
        [sys.executable, "-c", body], capture_output=True, text=True, check=False
    )
    return done, log.read_text()


def test_input_errors_are_one_sentence_on_the_terminal_and_in_the_log(tmp_path):
    done, log = run(tmp_path, "InputError('map.fits: no WCS')")
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["to the user", "Error: map.fits: no WCS"]
    assert log.splitlines() == ["to the log", "Error: map.fits: no WCS"]


def test_other_errors_leave_their_traceback_in_the_log(tmp_path):
    done, log = run(tmp_path, "KeyError('flux')")
    assert done.returncode == 1
    assert "Traceback" in log
    assert "KeyError: 'flux'" in log
