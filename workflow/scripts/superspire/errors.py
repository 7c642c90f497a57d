"""Errors that a user can cause and fix."""


class InputError(ValueError):
    """One sentence naming the file, HDU or key, what was expected and found."""
