"""The pages: a run, and a comparison, each on one HTML file that needs nothing else, by which a person judges it.

Imports `output/tables`, `output/times`, `ledger`, `corpus` and `files`.
"""
