"""The profile of unknown records: their columns, what those hold, and which of them looks like which of a row's."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.corpus import dates
from pipelines.corpus.rating import rating
from pipelines.corpus.reading import OUTER

DEPTH = 3  # objects inside objects that are looked into
KEPT = 1000  # values of a column that are looked at
LONG = 30  # characters of a text, on average, at least
MOSTLY = 0.8
NEARLY = 0.99  # of the values of ids are distinct, at least: a pile may have some of its rows twice
FEW = 20  # records, of which each may be of another restaurant
SAME = 100.0  # what the very name is worth, whatever a column holds
PART, ANY, ELSEWHERE = 0.3, 0.02, 0.3  # what a name is worth of which a part is right, or none, or in the wrong place
WEAK = ("name", "title")  # of a restaurant, as likely as not
# What the names of columns have that are of those who write, and of what is a mean.
DINERS = frozenset(
    {"author", "customer", "guest", "nickname", "profile", "reviewer", "user", "username", "writer", "닉네임", "작성자"}
)
MEANS = frozenset({"average", "avg", "mean", "total"})
# And of other moments than that of a review.
ELSEWHEN = frozenset({"birth", "crawled", "joined", "owner", "reply", "response", "scraped", "since"})
SHORT = 100  # characters of a name or an id, at most
OF_RESTAURANTS = ("restaurant_id", "category", "city")
# What names a column may not have that is one of a row's.
OF_OTHERS = {"rating": MEANS, "date": DINERS | ELSEWHEN, **dict.fromkeys(OF_RESTAURANTS, DINERS)}
# What people call the columns of a row, the likeliest first; parts of names count, too.
NAMES: Mapping[str, tuple[str, ...]] = {
    "text": (
        "text", "review_text", "reviewtext", "review", "content", "comment", "comments", "body", "review_body", "snippet",
        "description", "리뷰", "리뷰내용", "내용", "후기", "본문",
    ),
    "restaurant_id": (
        "restaurant_id", "restaurantid", "business_id", "businessid", "biz_id", "offering_id", "hotel_id", "asin", "place_id", "gmap_id", "location_id", "venue_id", "store_id", "shop_id", "item_id",
        "restaurant", "restaurant_name", "location_name", "branch", "filiale", "biz", "business", "business_name", "place", "store", "shop", "title", "name", "가게",
        "식당", "식당이름", "매장", "매장명", "지점", "업소명", "상호", "상호명", "가게명", "식당명",
    ),
    "review_id": ("review_id", "reviewid", "comment_id", "id", "_id", "uuid", "리뷰id", "번호"),
    "rating": ("review_rating", "reviewer_score", "review_stars", "rating", "stars", "overall", "star", "score", "review_rating", "star_rating", "grade", "별점", "평점", "점수"),
    "date": (
        "review_date", "date", "publish_time", "create_time", "created_at", "published_at", "review_time", "datetime", "timestamp", "time",
        "created", "published", "posted", "visit_date", "작성일", "작성일자", "작성일시", "등록일", "등록일시", "날짜", "일자", "일시", "방문일",
    ),
    "lang": ("lang", "language", "review_language", "언어"),
    "category": ("category", "cuisine", "categories", "cuisines", "cuisine_type", "업종", "카테고리"),
    "city": ("city", "town", "locality", "지역", "도시"),
}  # fmt: skip


@dataclass(slots=True)
class Column:
    """A column of some records, by its name with dots: how many have it, and what they have there."""

    name: str
    filled: int = 0
    types: Counter[str] = field(default_factory=Counter)
    values: list[Any] = field(default_factory=list)

    def add(self, value: Any) -> None:
        """Take note of a value that a record has."""
        self.filled += 1
        self.types[_kind(value)] += 1
        if len(self.values) < KEPT:
            self.values.append(value)

    @property
    def path(self) -> str:
        """Its name in small letters, the words in each of its parts apart."""
        bare = re.sub(r"(?<=[a-z])(?=[A-Z])|[^\w.]+|_+", "_", self.name.removeprefix(OUTER)).casefold()
        return ".".join(part.strip("_") for part in bare.split("."))

    @property
    def last(self) -> str:
        """The last part of that."""
        return self.path.rpartition(".")[2]

    @property
    def texts(self) -> list[str]:
        """Those of its values that are text."""
        return [value for value in self.values if isinstance(value, str)]

    @property
    def distinct(self) -> float:
        """How many distinct values it has, as a share of all it has."""
        return len({repr(value) for value in self.values}) / max(len(self.values), 1)

    @property
    def example(self) -> str:
        """A value that says something, as text."""
        return " ".join(str(self.values[0]).split()) if self.values else ""


def columns(records: Iterable[Mapping[str, Any]]) -> dict[str, Column]:
    """Return the columns of some records, those inside objects by names with dots."""
    found: dict[str, Column] = {}
    for record in records:
        for name, value in _flat(record, "", DEPTH):
            column = found.setdefault(name, Column(name))
            if value not in (None, "", [], {}):
                column.add(value)
    return found


def lists(found: Mapping[str, Column]) -> list[str]:
    """Return the columns that hold lists of objects, the one with most of them first."""
    sizes = {
        name: sum(isinstance(element, dict) for value in column.values if isinstance(value, list) for element in value)
        for name, column in found.items()
        if column.types["list"]
    }
    return sorted((name for name, size in sizes.items() if size), key=lambda name: -sizes[name])


def alike(found: Mapping[str, Column], rows: int, outer: Collection[str] = ()) -> dict[str, str]:
    """Return which column looks like which of a row's, of so many records that were looked at; none twice.

    Those that are `outer`, of what encloses a list of reviews, say more of restaurants and less of reviews.
    """
    chosen: dict[str, str] = {}
    for ours in _FITS:
        scores: dict[str, float] = {}
        for name, column in found.items():
            if column.filled and name not in chosen.values():
                elsewhere = bool(outer) and (name in outer) != (ours in OF_RESTAURANTS)
                score = likeness(ours, column, rows, outer=name in outer) * (ELSEWHERE if elsewhere else 1)
                scores |= {name: score} if score else {}
        if scores:
            chosen[ours] = max(scores, key=lambda name: scores[name])
    return chosen


def likeness(ours: str, column: Column, rows: int, *, outer: bool = False) -> float:
    """Return how much a column of so many records looks like one of a row's: not at all is 0."""
    named, fit = _named(ours, column, outer=outer), _FITS[ours](column, rows)
    if named == ANY and fit < 1:  # what is not called a text should at least be as long as one
        return 0.0
    return named if named == SAME else fit * named


def _flat(record: Mapping[str, Any], within: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict) and value and depth and not (len(value) == 1 and next(iter(value)).startswith("$")):
            yield from _flat(value, f"{within}{name}.", depth - 1)
        else:
            yield f"{within}{name}", value


def _kind(value: Any) -> str:
    return {"str": "text", "int": "number", "float": "number", "Decimal": "number", "dict": "object"}.get(
        type(value).__name__, type(value).__name__
    )


def _named(ours: str, column: Column, *, outer: bool) -> float:
    """Return how much a column is called like one of a row's: from 0, not at all, to 1; texts and dates by any name."""
    if column.name == ours not in {"rating", "date"}:  # a place has one, too
        return SAME
    path = set(re.split(r"[._]", column.path))
    if path & OF_OTHERS.get(ours, set()) or (ours == "date" and outer):
        return 0
    if ours == "restaurant_id" and not outer and (column.last == "title" or "review" in path):
        return 0
    names = [name.replace(" ", "_") for name in NAMES[ours]]
    if column.last in names:
        return 1 - names.index(column.last) / len(names) / 2
    words = set(column.last.split("_"))
    if any(set(name.split("_")) <= words for name in names if name != "id"):
        return PART
    return ANY if ours in {"text", "date"} else 0


def _is_text(column: Column, rows: int) -> float:
    texts = column.texts
    if len(texts) < len(column.values) * MOSTLY:
        return 0.0
    length = sum(map(len, texts)) / max(len(texts), 1)
    return min(length / LONG, 4) * column.distinct * min(column.filled / max(rows, 1) + 0.2, 1)


def _is_id(column: Column, rows: int) -> float:
    plain = sum(column.types[kind] for kind in ("text", "number", "UUID", "bytes", "object"))
    short = all(len(text) <= SHORT for text in column.texts)
    return float(plain >= column.filled * MOSTLY and short and column.filled >= rows * MOSTLY)


def _is_unit(column: Column, rows: int) -> float:
    return _is_id(column, rows) * (rows < FEW or column.distinct < MOSTLY)


def _is_own_id(column: Column, rows: int) -> float:
    return _is_id(column, rows) * float(column.distinct >= NEARLY)


def _is_rating(column: Column, rows: int) -> float:
    del rows
    rated = sum(rating(value) is not None for value in column.values)
    return float(rated >= len(column.values) * MOSTLY)


def _is_date(column: Column, rows: int) -> float:
    dated = dates.share(column.name, column.values) >= MOSTLY
    return float(dated) * min(column.filled / max(rows, 1), 1)


def _is_note(column: Column, rows: int) -> float:
    del rows
    return float(len(column.texts) >= len(column.values) * MOSTLY and all(len(text) <= SHORT for text in column.texts))


# In this order: what is surest first, for a column is one thing only.
_FITS = {
    "text": _is_text,
    "rating": _is_rating,
    "review_id": _is_own_id,
    "date": _is_date,
    "restaurant_id": _is_unit,
    "lang": _is_note,
    "category": _is_note,
    "city": _is_note,
}
