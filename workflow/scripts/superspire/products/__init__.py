"""What users get of a field: catalogue, counts, maps and comparisons."""
