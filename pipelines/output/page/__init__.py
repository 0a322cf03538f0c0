"""The page: a run on one HTML file that needs nothing else, by which a person judges it.

Imports `output/tables`, `ledger` and `corpus`.
"""
