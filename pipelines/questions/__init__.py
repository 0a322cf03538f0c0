"""Questions: what the tasks ask of rows and restaurants, stage by stage.

Imports `tasks` and what is below it.
"""
