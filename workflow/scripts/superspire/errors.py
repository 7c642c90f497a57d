"""Errors that a user can cause and mend."""


class InputError(ValueError):
    """One sentence naming the file, HDU or key, what was expected and found."""
