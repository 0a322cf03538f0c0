"""Prompts: templates as text and as tokens, and what an answer is known by.

Imports `engine` and `models`; knows no ledger and no task.
"""
