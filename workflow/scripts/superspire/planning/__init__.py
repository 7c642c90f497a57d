"""How long a configuration takes, and how much memory and disk."""
