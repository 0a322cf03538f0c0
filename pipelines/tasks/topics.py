"""Topics: what a restaurant's opinions are about, aspects and words that recur, and how many of its diners say so."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.tasks.opinion import Opinion
from pipelines.tasks.quotes import representative, stems

LENGTH = 60  # characters of words that are shown of an opinion, if it has so short ones
# Words of praise and blame.
EVALUATIVE = frozenset(
    re.findall(
        r"\w+",
        "good great nice best better bad worst worse awesome amazing excellent delicious tasty yummy yum lovely "
        "wonderful fantastic perfect superb superbly decent average okay fine poor terrible horrible pathetic "
        "awful disappointing disappointed pleasant super love loved like liked enjoy enjoyed happy satisfied "
        "recommend recommended worth favorite favourite beautiful cool friendly courteous polite kind rude slow "
        "quick fast fresh hot cold cheap expensive reasonable affordable clean dirty special brilliant "
        "outstanding mouthwatering impressed heaven waste soft crispy juicy dry stale bland spoilt spoiled "
        "spacious cozy cosy mediocre overpriced pricey 맛있 맛있어요 맛있다 맛있고 맛있는 맛있었어요 맛있게 "
        "좋아요 좋았어요 좋고 좋은 좋다 좋네요 최고 최고예요 친절 친절하고 친절해요 친절하시 별로 별로예요 추천 "
        "추천해요 훌륭해요 아쉬워요 아쉬웠어요 비싸요 저렴해요 깨끗해요 불친절 실망 실망했어요 느려요 빨라요",
    )
)
# And those that name no topic, for people say them of any restaurant.
GENERIC = EVALUATIVE | frozenset(
    re.findall(
        r"\w+",
        "quality quantity taste tasted flavor flavour food dish dishe item service staff place restaurant "
        "experience time visit visited ordered order people ambience ambiance atmosphere price value money day "
        "night bit little way eat ate eating served serve serving here overall hangout family friend big small "
        "huge customer team point star 먹고 음식 서비스 직원 식당 가게 분위기 가격 맛 방문 여기 이곳 너무 정말 "
        "진짜 아주 매우 조금 그냥 다시 다음 손님",
    )
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A name, and the opinions of one side about it."""

    name: str
    opinions: Sequence[Opinion]

    @property
    def reviews(self) -> frozenset[int]:
        """The numbers of the reviews that have one."""
        return frozenset(opinion.review.seq for opinion in self.opinions)

    def words(self, most: int) -> list[str]:
        """Return what at most so many of the opinions say, those first that speak for others."""
        return representative(telling(brief([opinion.what for opinion in self.opinions])), most)


def aspects(opinions: Iterable[Opinion], side: str) -> Mapping[str, Topic]:
    """Return the aspects that opinions of a side are about, by name, those of most reviews first."""
    by_name: dict[str, list[Opinion]] = {}
    for opinion in opinions:
        if opinion.side == side and opinion.aspect:
            by_name.setdefault(opinion.aspect, []).append(opinion)
    topics = (Topic(name, found) for name, found in by_name.items())
    return {topic.name: topic for topic in sorted(topics, key=lambda topic: -len(topic.reviews))}


def recurring(opinions: Iterable[Opinion], side: str) -> Mapping[str, Topic]:
    """Return the words of opinions of a side that not any restaurant's have, by their stem, as `aspects` has them."""
    by_stem: dict[str, list[Opinion]] = {}
    for opinion in opinions:
        if opinion.side == side:
            for stem in stems(opinion.what) - GENERIC:
                by_stem.setdefault(stem, []).append(opinion)
    topics = (Topic(stem, found) for stem, found in by_stem.items())
    return {topic.name: topic for topic in sorted(topics, key=lambda topic: (-len(topic.reviews), topic.name))}


def brief(texts: Sequence[str], length: int = LENGTH) -> list[str]:
    """Return those of the texts that have at most so many characters, or all where none is so short."""
    return [text for text in texts if len(text) <= length] or list(texts)


def telling(texts: Sequence[str]) -> list[str]:
    """Return those of the texts that have a word of praise or blame, all where none has."""
    return [text for text in texts if stems(text) & EVALUATIVE] or list(texts)
