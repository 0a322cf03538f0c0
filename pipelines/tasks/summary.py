"""Summary: what diners say of a restaurant, out of the counted opinions of all its reviews."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.tasks import writing
from pipelines.tasks.classification import Classification
from pipelines.tasks.digest import COUNTS, QUOTES, WRITTEN, Digest, Hearing, aspect, quoted
from pipelines.tasks.opinion import CRITICISED, PRAISED, SIDES, Opinion, from_points
from pipelines.tasks.quotes import representative
from pipelines.tasks.restaurant import RestaurantState, Stage
from pipelines.tasks.soundness import TELLING, sound
from pipelines.tasks.task import IDS, Answers, Column, Task
from pipelines.tasks.topics import Topic, aspects, brief, recurring, telling
from pipelines.tasks.writing_examples import SUMMARIES

WRITE = "write"
ASPECTS, SHOWN = 4, 2  # aspects that are written about, words shown of one
FEWEST = 2  # aspects that are written about although one review alone speaks of them
DIFFER = 2 / 3  # of the larger side, what the smaller one has where opinions differ
COMPLAINT = 1 / 10  # of the reviews: where so many criticise an aspect it is written about before one of more reviews
QUOTED = {PRAISED: 2, CRITICISED: 1}  # sentences of a summary that is made of quotes
QUOTE, RECURRING = 100, 5  # characters of one, and words that are counted, most
TOKENS = 48  # of a sentence
WORDS = 3  # what is said of a topic, in the results
WRITTEN_AT, CHECKED = 1, 2  # the stages
DIFFERENT = {False: "opinions differ: ", True: "의견이 갈림: "}  # by whether it is Korean
INSTRUCTIONS = {
    "en": "Write one sentence for each line about what diners of a restaurant say, in the third person, with the numbers and "
    "the words of the line and nothing else.",
    "ko": "식당 손님들의 평가를 각 줄마다 한 문장으로 쓰세요. 그 줄에 있는 숫자와 말만 쓰고 다른 내용은 더하지 마세요.",
}
_TOPIC = pa.list_(pa.struct([("aspect", pa.string()), ("words", pa.list_(pa.string())), ("count", pa.int64())]))
COLUMNS = (
    *IDS["restaurant"],
    Column("summary", pa.string(), "what diners say",
           "The food is good according to 9 of 41, for example: the broth tastes of something."),
    Column(
        "sentences",
        pa.list_(pa.struct([("text", pa.string()), ("points", pa.list_(pa.string())),
                            ("review_ids", pa.list_(pa.string())), ("support", pa.int64())])),
        "each sentence of it, the points that it is made of, the reviews that have them, and how many those are",
        [{"text": "The food is good according to 9 of 41, for example: the broth tastes of something.",
          "points": ["broth that actually tastes of something"], "review_ids": ["r0002"], "support": 1}],
    ),
    Column("praised", _TOPIC, "what is praised, by most reviews first: the aspect, or a word that recurs where "
           "the style is quotes, a few words that stand in reviews, and how many reviews praise it",
           [{"aspect": "food", "words": ["broth that actually tastes of something"], "count": 9}]),
    Column("criticised", _TOPIC, "and what is criticised",
           [{"aspect": "service", "words": ["The queue was out of the door"], "count": 3}]),
    Column("style", pa.string(), "written, or quotes, also where nothing that was written was true", WRITTEN),
    *COUNTS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """What one line says of an aspect: the opinions of each side, the larger first, of so many reviews."""

    name: str
    sides: Mapping[str, Topic]
    of: int

    @property
    def opinions(self) -> list[Opinion]:
        """Those of both sides."""
        return [opinion for topic in self.sides.values() for opinion in topic.opinions]

    @property
    def reviews(self) -> frozenset[int]:
        """The numbers of the reviews that have one."""
        return frozenset(opinion.review.seq for opinion in self.opinions)

    @property
    def criticised(self) -> int:
        """How many reviews criticise it."""
        return len(self.sides[CRITICISED].reviews) if CRITICISED in self.sides else 0

    @property
    def grave(self) -> bool:
        """Whether somebody complains of what may make people ill."""
        return CRITICISED in self.sides and self.sides[CRITICISED].grave

    @property
    def differ(self) -> bool:
        """Whether opinions differ."""
        counts = [len(topic.reviews) for topic in self.sides.values()]
        return len(counts) > 1 and counts[1] >= DIFFER * counts[0]

    def line(self, lang: str) -> str:
        """Return it as the model is told."""
        told = [self._told(side, topic, lang, first=not n) for n, (side, topic) in enumerate(self.sides.items())]
        opening = DIFFERENT[lang == "ko"] if self.differ else ""
        return f"{aspect(self.name, lang)}: {opening}{'; '.join(told)}"

    def plain(self, lang: str) -> str:
        """Return it as it is said without a model."""
        name = aspect(self.name, lang)
        if lang == "ko":
            sides = ", ".join(self._plainly(side, lang) for side in self.sides)
            return f"{name}: {DIFFERENT[True] if self.differ else ''}{self.of}명 중 {sides}."
        name = name if name.startswith("the ") else f"the {name}"
        opening, what = (f"Opinions on {name} differ. ", "it") if self.differ else ("", name)
        first, *others = self.sides
        said = [self._plainly(first, lang, of=f" of {self.of} diners", what=what)]
        said += [self._plainly(side, lang) for side in others]
        return f"{opening}{'. '.join(said)}."

    def whole(self, text: str, lang: str) -> str:
        """Return what was written of it, and plainly the sides that it does not tell."""
        left = [side for side in self.sides if not any(word in text for word in TELLING[side])]
        return " ".join([text, *(f"{self._plainly(side, lang)}." for side in left)])

    def _plainly(self, side: str, lang: str, *, of: str = "", what: str = "it") -> str:
        topic = self.sides[side]
        count, verb = len(topic.reviews), _verb(side, len(topic.reviews), lang)
        return f"{f'{count}명 {verb}' if lang == 'ko' else f'{count}{of} {verb} {what}'}{_example(topic, lang)}"

    def _told(self, side: str, topic: Topic, lang: str, *, first: bool) -> str:
        count, words = len(topic.reviews), quoted(topic.words(SHOWN if first else 1))
        if words:
            words = f", {'예' if lang == 'ko' else 'e.g.'} {words}"
        if lang == "ko":
            return f"{f'{self.of}명 중 ' if first else ''}{count}명 {_verb(side, count, lang)}{words}"
        return f"{count}{f' of {self.of}' if first else ''} {_verb(side, count, lang)} it{words}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Digest):
    """The task."""

    def stage(self, restaurant: RestaurantState) -> Stage | None:
        """Return what is to be asked next: to write, then whether what was written is true."""
        if self.style == QUOTES or len(restaurant.answers) > CHECKED:
            return None
        lines = [fact.line(restaurant.lang) for fact in _facts(restaurant)]
        if len(restaurant.answers) == WRITTEN_AT:
            return Stage(WRITE, [writing.bullet(line) for line in lines]) if lines else None
        return writing.check(lines, sound(lines, restaurant.answers[WRITTEN_AT], SUMMARIES))

    def later(self, chunks: int) -> str | None:
        """See `Task`."""
        del chunks
        return None if self.style == QUOTES else WRITE

    def line(self, row: Mapping[str, Any]) -> str:
        """See `Task`."""
        return str(row["summary"])

    def figures(self, results: pl.LazyFrame, answers: Answers) -> dict[str, Any]:
        """Return how many summaries are written, made of quotes, or empty for want of any; out of how many reviews."""
        counts = dict(results.group_by("style").len().collect().iter_rows())
        styles = {style: counts.get(style, 0) for style in (WRITTEN, QUOTES)}
        empty = results.select((pl.col("summary") == "").sum()).collect().item()
        return {"labels": styles, "nothing_to_quote": empty, **Digest.figures(self, results, answers)}

    def said(self, restaurant: RestaurantState, hear: Hearing) -> dict[str, Any]:
        """See `Digest`."""
        opinions = hear(restaurant.heard, restaurant.middle)
        written = _written(restaurant)
        sentences = written or _quoted(opinions)
        return {
            "summary": " ".join(sentence["text"] for sentence in sentences),
            "sentences": sentences,
            **{side: _counted(opinions, side) for side in SIDES},
            "style": WRITTEN if written else QUOTES,
        }


def summary(points: Task, classifier: Classification | None = None) -> Summary:
    """Make the task, of points, or of labels of sentiment."""
    written = {**writing.writing(WRITE, INSTRUCTIONS, SUMMARIES, each=TOKENS), **writing.checking()}
    return Summary(
        name="summary",
        about="what do diners say of a restaurant, and how many of them?",
        unit="restaurant",
        forms={} if classifier else written,
        columns=COLUMNS,
        rank=3,
        made_of=classifier or points,
        classifier=classifier,
    )


def _example(topic: Topic, lang: str) -> str:
    words = quoted(topic.words(1))
    return words and (f"({words})" if lang == "ko" else f", for example: {words}")


def _verb(side: str, count: int, lang: str) -> str:
    if lang == "ko":
        return "칭찬" if side == PRAISED else "비판"
    return f"{'praise' if side == PRAISED else 'criticise'}{'s' if count == 1 else ''}"


def _facts(restaurant: RestaurantState) -> list[Fact]:
    """Return the facts about the aspects that most reviews speak of, not of one alone if others have more.

    The last of them gives way to the worst complaint. Of two that are called the same the larger stands.
    """
    opinions, of = from_points(restaurant.heard), restaurant.used
    by_side = {side: aspects(opinions, side) for side in SIDES}
    names = dict.fromkeys(name for topics in by_side.values() for name in topics)
    by_name: dict[str, Fact] = {}
    for fact in sorted((Fact(name, _larger_first(by_side, name), of) for name in names), key=lambda f: -len(f.reviews)):
        by_name.setdefault(aspect(fact.name, restaurant.lang), fact)
    facts = [*by_name.values()]
    told = [fact for n, fact in enumerate(facts[:ASPECTS]) if n < FEWEST or len(fact.reviews) > 1]
    complaints = [
        fact
        for fact in facts[min(len(told), ASPECTS - 1) :]
        if fact.criticised >= COMPLAINT * of and (fact.criticised > 1 or fact.grave)
    ]
    if complaints:
        told[ASPECTS - 1 :] = [max(complaints, key=lambda fact: (fact.grave, fact.criticised))]
    return told


def _larger_first(by_side: Mapping[str, Mapping[str, Topic]], name: str) -> dict[str, Topic]:
    found = {side: topics[name] for side, topics in by_side.items() if name in topics}
    return dict(sorted(found.items(), key=lambda item: -len(item[1].reviews)))


def lines_told(restaurant: RestaurantState) -> tuple[int, int]:
    """Return of how many facts the model wrote something true, and of how many it was to."""
    facts = _facts(restaurant)
    return len(_true(restaurant, facts)), len(facts)


def _true(restaurant: RestaurantState, facts: Sequence[Fact]) -> dict[int, str]:
    """Return what was written of facts, by their numbers, as far as it is true."""
    if len(restaurant.answers) <= CHECKED:
        return {}
    lines = [fact.line(restaurant.lang) for fact in facts]
    found = sound(lines, restaurant.answers[WRITTEN_AT], SUMMARIES)
    return dict(writing.true(lines, found, restaurant.answers[CHECKED]))


def _written(restaurant: RestaurantState) -> list[dict[str, Any]]:
    """Return what was written of each fact, as far as it is true; the others plainly, if there is anything true."""
    facts = _facts(restaurant) if len(restaurant.answers) > CHECKED else []
    true = _true(restaurant, facts)
    texts = [
        fact.whole(true[n], restaurant.lang) if n in true else fact.plain(restaurant.lang)
        for n, fact in enumerate(facts)
    ]
    return [_sentence(text, fact.opinions) for text, fact in zip(texts, facts, strict=True)] if true else []


def _quoted(opinions: Sequence[Opinion]) -> list[dict[str, Any]]:
    """Return the sentences that speak for most of what is praised, and criticised."""
    said: dict[str, dict[str, Opinion]] = {side: {} for side in SIDES}
    for opinion in opinions:
        said[opinion.side].setdefault(opinion.sentence, opinion)
    return [
        _sentence(_ended(f"{text[0].upper()}{text[1:]}"), [said[side][text]])
        for side, other in (SIDES, SIDES[::-1])
        for text in representative(telling(brief(list(said[side]), QUOTE)), QUOTED[side], list(said[other]))
    ]


def _ended(text: str) -> str:
    """Return a sentence with a full stop, unless it ends with one inside quotation marks."""
    return text if text[-2:-1] in set(".!?…") and text[-1] in '"”»」' else f"{text}."


def _sentence(text: str, opinions: Sequence[Opinion]) -> dict[str, Any]:
    ids = list({opinion.review.seq: opinion.review.id for opinion in opinions}.values())
    points = list(dict.fromkeys(opinion.what for opinion in opinions))
    return {"text": text, "points": points, "review_ids": ids, "support": len(ids)}


def _counted(opinions: Sequence[Opinion], side: str) -> list[dict[str, Any]]:
    topics = [*aspects(opinions, side).values()]
    if not topics:
        topics = [topic for topic in recurring(opinions, side).values() if len(topic.reviews) > 1][:RECURRING]
    return [{"aspect": topic.name, "words": topic.words(WORDS), "count": len(topic.reviews)} for topic in topics]
