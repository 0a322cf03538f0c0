"""The examination: whether a model is good enough, found out on texts with known answers before a night is spent on it.

Imports what `run` imports, and `run`.
"""
