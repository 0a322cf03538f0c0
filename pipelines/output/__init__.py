"""Output: tables, report and figures out of a ledger.

Imports `questions` and what is below it.
"""
