"""One module per figure, and the tables."""
