"""The models: from what a person writes after --model to a folder, and the shape of what is in it.

Imports errors alone.
"""
