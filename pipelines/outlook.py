"""The outlook: what stands in the ledger, and what is left to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outlook:
    """Rows of the corpus by what has become of them, and the requests that wait with their prompt tokens.

    Rows that ask the same thing share a request, so `waiting` rows may be more than `requests`.
    """

    rows: int
    answered: int
    rejected: int
    requests: int
    prompt_tokens: int

    @property
    def waiting(self) -> int:
        """Rows that have no answer yet."""
        return self.rows - self.answered - self.rejected
