"""The corpus: rows from files, and what a row is, or why it is none.

Imports errors alone.
"""
