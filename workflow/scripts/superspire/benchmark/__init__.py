"""Time and memory of the heavy stages."""
