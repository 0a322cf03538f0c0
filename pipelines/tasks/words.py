"""Words: what they stem from, and which of them say nothing of a topic."""

import re
import unicodedata
from functools import lru_cache

import regex

REMEMBERED = 1 << 16  # texts: every stage looks at the same points again
PLURAL = 4  # letters of a word whose last s is taken off
FUNCTION = frozenset(
    re.findall(
        r"\w+",
        "a about above absolutely across actually after again against all almost along already also although "
        "always am among an and another any anyone anything are aren around as at away back be because been "
        "before being below between both but by came can cannot come completely could couldn definitely did didn "
        "do does doesn doing don done dont down during each either else enough especially etc even ever every "
        "everyone everything few first for from get gets getting give given go goes going gone got had hadn has "
        "hasn have haven having he her here hers him his how however i if in instead into is isn it its itself "
        "just keep kept last least less let literally lot lots made make makes making many may maybe me mentioned "
        "might mine more most much must my need needed never next no nor not nothing now of off on once one only "
        "or other others our ours out over own per please probably put quite rather really said same say saying "
        "see seem seemed seriously several shall she should shouldn simply since so some someone something soon "
        "still such sure take taken than thank thanks that the their theirs them then there these they thing "
        "things think this those though thought three through till times to together told too took totally tried "
        "try trying twice two under until up upon us use used usual usually very via want wanted was wasn way we "
        "well went were weren what when where which while who whole whom whose why will wish with within without "
        "won would wouldn yes yet you your yours",
    )
)  # words that say nothing by themselves
FIRST_PERSON = frozenset({"i", "me", "my", "mine", "our", "ours", "us", "we", "저", "제", "저희", "나는", "우리"})
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
# Words of complaints about what may make people ill.
GRAVE = frozenset(
    re.findall(
        r"\w+",
        "dirty filthy unclean unhygienic hygiene cockroach cockroache insect worm hair fly flie mosquito rat mould "
        "mold rotten rotting spoilt spoiled stale expired raw undercooked uncooked smell smelly smelling stink "
        "stinking stinky vomit vomited vomiting poisoning poison sick ill stomach allergy allergic diarrhea "
        "diarrhoea 위생 벌레 바퀴벌레 머리카락 곰팡 상한 상했어요 쉰내 악취 더러워요 더럽고 더러운 식중독 배탈 "
        "설사 덜익 설익었어요",
    )
)

_WORD = regex.compile(r"[\p{L}\p{M}]{2,}")  # marks, too: Indic vowels are such
_PARTICLES = re.compile("(?<=[가-힣]{2})(?:에서|으로|이나|은|는|이|가|을|를|도|에|의|로|와|과|만)$")


@lru_cache(maxsize=REMEMBERED)
def stems(text: str) -> frozenset[str]:
    """Return the words of a text that say something, as `content` has them."""
    return frozenset(content(text))


def personal(text: str) -> bool:
    """Say whether somebody speaks of themselves in a text."""
    return not FIRST_PERSON.isdisjoint(re.findall(r"\w+", text.casefold()))


def content(text: str) -> list[str]:
    """Return the words of a text that say something, in a form that singular and plural, or Korean particles, share."""
    return [
        _stem(word) for word in _WORD.findall(unicodedata.normalize("NFC", text).casefold()) if word not in FUNCTION
    ]


def _stem(word: str) -> str:
    word = _PARTICLES.sub("", word)
    return word[:-1] if len(word) >= PLURAL and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
