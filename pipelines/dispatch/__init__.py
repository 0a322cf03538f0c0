"""Dispatch: jobs in order, requests into the engine, answers out of it.

Imports `questions` and what is below it.
"""
