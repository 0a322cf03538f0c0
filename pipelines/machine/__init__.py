"""The machine: what there is to compute with, and what that means for a run.

Imports `models` and errors.
"""
