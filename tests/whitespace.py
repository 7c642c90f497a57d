"""Name text files with trailing whitespace or without a newline at their end."""

import sys
from pathlib import Path


def faults(text):
    """Say what is wrong with the whitespace of a text.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        What is wrong, each with the number of the line.
    """
    lines = text.split("\n")
    found = [
        f"{number}: trailing whitespace"
        for number, line in enumerate(lines, 1)
        if line != line.rstrip()
    ]
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        found.append(f"{len(lines)}: expected one newline at the end")
    return found


if __name__ == "__main__":
    wrong = [
        f"{file}:{fault}"
        for file in sys.argv[1:]
        for fault in faults(Path(file).read_text(encoding="utf-8"))
    ]
    print("\n".join(wrong))
    sys.exit(bool(wrong))
