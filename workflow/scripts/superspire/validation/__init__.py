"""The sky model held against the real EGG."""
