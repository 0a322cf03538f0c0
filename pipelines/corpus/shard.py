"""A shard: one of several runs that share a corpus by restaurant and do not know of each other."""

import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar

SEED = b"comparable"
SIZE = 8  # bytes of a hash


@dataclass(frozen=True, slots=True)
class Shard:
    """The shard of a `number`, from 0, `of` so many."""

    NAME: ClassVar = r"shard-\d+-of-\d+"  # of its folder

    number: int
    of: int

    @property
    def name(self) -> str:
        """What its folder is called."""
        return f"shard-{self.number}-of-{self.of}"

    def has(self, unit: str) -> bool:
        """Say whether a restaurant, or a query, is this shard's.

        Each shard has an arc of the ring on which restaurants stand that are compared, so that few are compared with
        one of another's.
        """
        return place(unit) * self.of >> 8 * SIZE == self.number

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def read(cls, text: str) -> "Shard":
        """Return the shard that is written so: 0/8. Raises ValueError for what is none."""
        found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text)
        number, of = map(int, found.groups()) if found else (0, 0)
        if number >= of:
            raise ValueError(f"a shard's number from 0 and how many there are expected, such as 0/8, found {text!r}")
        return cls(number, of)


def place(text: str) -> int:
    """Return a hash of a text that is the same everywhere and for ever: where a restaurant stands on a ring."""
    return int.from_bytes(hashlib.blake2b(text.encode(), key=SEED, digest_size=SIZE).digest())
