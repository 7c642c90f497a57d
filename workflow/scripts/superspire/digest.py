"""Digest of what a script computes, whatever its comments and docstrings say."""

import ast
import hashlib
from functools import cache


def remove_docstrings(tree):
    """Remove the strings that document modules, classes, functions and constants.

    Parameters
    ----------
    tree : ast.Module
        The parsed code, changed in place.
    """
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


def imported_names(tree):
    """Find the modules, and what may be modules, that code imports anywhere.

    Parameters
    ----------
    tree : ast.Module
        The parsed code, with absolute imports.

    Returns
    -------
    set of str
        Dotted names, for ``from a import b`` both ``a`` and ``a.b``.
    """
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    return names


@cache
def parsed(file):
    """Parse a file.

    Parameters
    ----------
    file : Path

    Returns
    -------
    code : str
        What it computes, without positions.
    names : set of str
        See `imported_names`.
    """
    tree = ast.parse(file.read_bytes())
    remove_docstrings(tree)
    return ast.dump(tree), imported_names(tree)


@cache
def module_file(name, folder):
    """Find the file of a module or package below a folder, or None."""
    path = folder.joinpath(*name.split("."))
    for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
        if file.exists():
            return file
    return None


def imported_modules(script, folder):
    """Find a script and every module below its folder that it imports.

    Parameters
    ----------
    script : str
        Name of the script.
    folder : Path
        Folder of the scripts and their package.

    Returns
    -------
    dict of str to Path
        File of each module by its name, of the script as ``__main__``; packages
        stand beside their modules.
    """
    found = {"__main__": folder / script}
    waiting = [folder / script]
    while waiting:
        for name in parsed(waiting.pop())[1]:
            parts = name.split(".")
            for end in range(1, len(parts) + 1):
                parent = ".".join(parts[:end])
                file = module_file(parent, folder)
                if file and parent not in found:
                    found[parent] = file
                    waiting.append(file)
    return found


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
    digest = hashlib.sha256()
    for name, file in sorted(imported_modules(script, folder).items()):
        digest.update(f"{name}\n{parsed(file)[0]}\n".encode())
    return digest.hexdigest()[:12]
