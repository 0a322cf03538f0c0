"""Export: what a run has asked and answered, in the forms that others take it in.

Imports `questions` and what is below it.
"""
