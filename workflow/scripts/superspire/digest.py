"""Digest of what a script computes, whatever its comments and docstrings say."""

import ast
import copy
import hashlib
from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path


def without_docstrings(tree):
    """Remove the strings that document modules, classes, functions and constants.

    Parameters
    ----------
    tree : ast.Module
        The parsed code; it is left unchanged.

    Returns
    -------
    ast.Module
    """
    tree = copy.deepcopy(tree)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [
                statement
                for statement in body
                if not (
                    isinstance(statement, ast.Expr)
                    and isinstance(statement.value, ast.Constant)
                )
            ]
    return tree


@cache
def parsed(file):
    """Parse a file and dump what it computes, without positions."""
    tree = ast.parse(Path(file).read_bytes())
    return ast.dump(without_docstrings(tree))


def code_digest(script, folder):
    """Digest a script and every module below its folder that it imports.

    Comments, docstrings and the layout of the code don't count, so that correcting
    them doesn't repeat any computation.

    Parameters
    ----------
    script : str
        Name of the script.
    folder : Path
        Folder of the scripts and their package.

    Returns
    -------
    str
        Twelve hexadecimal digits.
    """
    finder = ModuleFinder(path=[str(folder)])
    finder.run_script(str(folder / script))
    modules = {m.__name__: m.__file__ for m in finder.modules.values() if m.__file__}
    digest = hashlib.sha256()
    for name, file in sorted(modules.items()):
        digest.update(f"{name}\n{parsed(file)}\n".encode())
    return digest.hexdigest()[:12]
