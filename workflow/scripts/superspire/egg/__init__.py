"""The sky model held against EGG and against published counts."""
