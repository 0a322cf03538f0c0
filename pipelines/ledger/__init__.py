"""The ledger: every row, job, request and answer of an output folder. All SQL stands here.

Imports `engine` and what is below it.
"""
