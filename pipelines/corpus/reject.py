"""A reject: what takes the place of a row that got no answer, and every reason there is for one."""

from dataclasses import dataclass
from enum import StrEnum

ENCODINGS = (
    "a file in another encoding, such as CP949 or Latin-1, is converted with `iconv -f CP949 -t UTF-8 THIS > OTHER`"
)


class Reason(StrEnum):
    """Why a row has no answer, in one of a few fixed words to count by; `docs/report.md` says what each means."""

    MALFORMED_JSON = "malformed-json"
    MALFORMED_CSV = "malformed-csv"
    NOT_A_LIST = "not-a-list"
    INVALID_UTF8 = "invalid-utf8"
    NO_TEXT = "no-text"
    TEXT_NOT_A_STRING = "text-not-a-string"
    NO_QUERY = "no-query"
    QUERY_NOT_A_STRING = "query-not-a-string"
    NO_REVIEW_ID = "no-review-id"
    NO_RESTAURANT_ID = "no-restaurant-id"
    NO_QUERY_ID = "no-query-id"
    DUPLICATE_ID = "duplicate-id"
    BAD_DEADLINE = "bad-deadline"
    TOO_LONG = "too-long"
    ENGINE_REFUSED = "engine-refused"
    NO_SCORES = "no-scores"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    POISON = "poison"

    @classmethod
    def missing(cls, column: str) -> "Reason":
        """Return why a row without the column is none."""
        return cls(f"no-{column.replace('_', '-')}")

    @classmethod
    def no_string(cls, column: str) -> "Reason":
        """Return why a row is none that has something other than text in the column."""
        return cls(f"{column}-not-a-string")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A row or a request that got no answer: where it stands, and why; `detail` is for a person.

    Of a row that was asked about, `task` and `stage` say under which task and at which of its stages that was.
    """

    source: str
    row: int
    reason: Reason
    detail: str
    id: str | None = None
    task: str | None = None
    stage: int | None = None


def told(reject: Reject) -> str:
    """Return in a line which row is rejected, and why."""
    return f"{reject.source} row {reject.row}: {reject.reason}, {reject.detail}"
