"""The formats: how records stand in a file, each in a file of its own.

A record is what a row is made of: its number in the file, from 1, and its values by the file's own names, or the reject
that takes its place.
"""

from typing import Any

from pipelines.corpus.reject import Reason, Reject

Record = tuple[int, dict[str, Any] | Reject]


def unreadable(source: str, number: int, reason: Reason, detail: str) -> Record:
    """Return what takes the place of a record that cannot be read."""
    return number, Reject(source=source, row=number, reason=reason, detail=detail)
