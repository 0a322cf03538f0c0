"""Preview: what a run would do, and how many engines it is worth.

Imports `dispatch`, `output` and what is below them.
"""
