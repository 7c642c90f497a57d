"""The trained network applied to real observations."""
