"""Skies, layouts, servers and commands that several tests share."""
