"""Orders: sentences that speak to the model, of the business of labelling, and not of a restaurant."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

LABELS = frozenset({"positive", "negative", "neutral"})
LABELS_KO = ("긍정", "부정", "중립")
LABEL_KO = re.compile("긍정|부정(?![확직맥])|중립")  # 부정확 and 부정직 are faults of restaurants
MANNER_KO = re.compile("(?:긍정|부정)적")  # so answers and moods are as well
# Words that only labelling has; in Korean what goes with a word is joined to it.
LABELLING = frozenset({
    "annotate", "annotated", "annotating", "annotation", "annotator", "annotators", "chatbot", "chatgpt", "classifier",
    "classify", "gpt", "grader", "llm",
})  # fmt: skip
LABELLING_KO = ("프롬프트",)
# Words of which two tell as much.
TELLING = frozenset({
    "analysis", "classed", "classification", "classified", "dataset", "guideline", "guidelines", "instruction",
    "instructions", "json", "labelling", "moderator", "output", "override", "pipeline", "predict", "prediction",
})  # fmt: skip
# Words that say so beside a label.
BUSINESS = TELLING | {
    "ai", "answer", "assistant", "bot", "category", "correct", "editor", "filed", "label", "labeled", "labelled",
    "labels", "mark", "marked", "model", "rated", "reply", "respond", "return", "sentiment", "tag", "task", "translate",
    "verdict", "word",
}  # fmt: skip
# In Korean only as the model is spoken to: replies to reviews (답글), moods (감성) and price tags (표시) are everyday.
BUSINESS_KO = re.compile(
    "감성(?:분석|분류|은|값)|감정(?:분석|분류|은|을|값|$)|(?:대?답|답변)(?:하|해|합|할|은|을|바|$)|표시(?:하|해|합|할|바|된|$)|"
    "라벨|레이블|명령|분류|예시|정답|지시|지침|채점|출력|판정"
)
# In Spanish, French, German, Italian and Portuguese: what stands above, and what may stand there.
_ABOVE = (
    "acima|anterior(?:es)?|arriba|ci-dessus|oben|obigen?|precedent[ei]|pr[ée]c[ée]dente?s?|previ[ao]s?|sopra|"
    "vorherigen?|vorigen?"
)
_TEXTS = (
    "alles|anweisung(?:en)?|avaliaç(?:ão|ões)|avis|bewertung(?:en)?|comentários?|comentarios?|commentaires?|consignes?|"
    "instruccion(?:es)?|instrucción|instruções|instructions?|istruzioni|opini[oó]n(?:es)?|recension[ei]|reseñas?|"
    "rezension(?:en)?|resenhas?|textos?|textes?|testo|text|todo|tout|tudo|tutto"
)
_WITHIN = r"(?:[^\w.!?\n]+\w+){0,5}?[^\w.!?\n]+"  # a few words of the same sentence
# In Korean the verb tells, at the end. One of these tells somebody to do something, and what ends otherwise may; what
# is told of the past (았, 었, 했: all with ㅆ) or politely (니다, 요) does not.
_TELLS_TO = re.compile(r"(?:세요|십시오|시오|바람|바랍니다|[하해써어아]라|(?:줘|해|써|적어)(?=\s*(?:[,;:]|$)))(?=\W|$)")
_TELLS_OF = re.compile(rf"(?:[{''.join(map(chr, range(ord('갔'), ord('힣') + 1, 28)))}]\w*|니다|요)\W*$")
ORDER = re.compile(
    r"\b(?:disregard|ignore)\b(?:\W+\w+){0,4}?\W+(?:above|below|earlier|follows|preceding|previous|prior)\b"
    r"|\b(?:answer|assign|choose|give|pick|return|say) (?:it |with )?(?:an? |the )?(?:opposite|contrary) "
    r"(?:category|classification|label|sentiment|verdict)\b"
    r"|\b(?:all|any|each|every|the|your) summar(?:y|ies) (?:has to|have to|must|needs? to|should)\b"
    rf"|\bignor(?:[ae]|ad|ar|are|ate|em|en|er|ez|ieren?)\b(?={_WITHIN}(?:{_ABOVE})\b){_WITHIN}(?:{_TEXTS})\b"
    r"|(?:上|以上|前|これまで)\S{0,8}(?:レビュー|口コミ|指示|命令|文章|内容|テキスト)\S{0,6}無視(?!さ)"
    r"|(?:忽略|无视|無視)\S{0,4}(?:上|前)\S{0,6}(?:评论|評論|评价|評價|指令|指示|内容|內容|文字|文本|说明|說明)"
    r"|(?:위|앞|이전|모든|지금까지)(?:의|에|은|는)?(?:\b\s*\w*\s*)?(?:리뷰|후기|내용|지시|명령|지침|문장|글)\S*\s*(?:\S+\s*)?무시",
    re.IGNORECASE,
)
# Staff ignore instructions, too. Who has a subject does so, and is told by nobody to, unless what to say follows; and
# diners forget everything else for a dish.
IGNORED = re.compile(
    r"(?P<who>\b(?:they|we|i|staff|waitstaff|waiters?|servers?|employees|kids|guests|people|makes? (?:me|us|you))\W+"
    r"(?:(?:always|can|do|even|just|never|often|sometimes|will|would|\w+ly)\W+){0,2})?"
    r"\b(?:disregard|forget|ignore|override|skip)\b(?:\W+\w+){0,3}?\W+"
    r"(?:everything\b(?P<some>\W+(?:about|but|else|except|you (?:know|order))\b)?|instructions?\b|rules\b|prompt\b)"
    r"(?P<then>(?:\W+\w+){0,3}?(?:\W+(?:and|so|then)\b|\s*[:;,-])(?:\W+\w+){0,4}?\W+"
    r"(?:answer|do you|give|label|must|output|rate|reply|respond|say|should|write)\b)?",
    re.IGNORECASE,
)
IGNORED_KO = re.compile(r"(?:명령|지시|지침)\S*\s*(?:\S+\s*)?(?:무시|잊)")
VERDICT = re.compile(
    r"\b(?:review|text|comment)\b(?:\s+\w+){0,2}?\s+(?:is|was|as|be)\b(?:\s+\w+){0,3}?\W+(?:positive|negative|neutral)\b"
    r"|\bthis is an? (?:\w+ ){0,2}?(?:positive|negative|neutral) (?:review|text|comment)\b"
    r"|(?:이|위|해당|본)\s*(?:리뷰|후기|글)\S*\s*(?:\S+\s*)?(?:긍정|부정|중립)|(?:긍정|부정|중립)적?인?\s*(?:리뷰|후기)(?:입니다|임|다)",
    re.IGNORECASE,
)
GIVEN = re.compile(
    r"(?:[-=]>|[→:=|])\W{0,4}(?:positive|negative|neutral|긍정|부정|중립)\b\s*(?:\W|$)"
    r"|[\[{]\s*\"[^\"\n]{1,90}\"\s*[,:]",  # a list or an object in JSON
    re.IGNORECASE,
)
# What leads up to one of these.
LEADS = frozenset({
    "a", "also", "always", "an", "and", "as", "be", "conclusion", "final", "i", "in", "is", "it", "its", "just",
    "kindly", "must", "my", "note", "now", "overall", "please", "right", "should", "so", "system", "that", "the",
    "then", "this", "to", "true", "you", "your", "이", "위", "위의", "해당",
})  # fmt: skip
WORDS = re.compile(r"[A-Za-z]+|[^\W\dA-Za-z_]+")
OPENERS = " \t\n\"'([{<*:#,-]}"
LABEL_OFTEN = 3  # a label said so often in a sentence is said to the model
# One of these is in whatever has something to take out; words of the business of labelling come beside a label.
HINTS = (
    *LABELS, *LABELS_KO, *LABELLING_KO, "analysis", "annotat", "chatbot", "classed", "classif", "dataset", "gpt",
    "grader", "guideline", "instruction", "json", "label", "llm", "moderator", "output", "override", "pipeline",
    "predict", "disregard", "forget", "ignor", "skip", "무시", "잊", "無視", "无视", "忽略", "answer", "assistant",
    "end of", "human:", "reply", "response:", "sentiment", "summar", "system", "user:", "verdict", "감정", "답",
    "시스템", "<", "[", "{", "]}", "}]", "##", "```",
)  # fmt: skip


def hinted(text: str) -> bool:
    """Say whether a text may speak to the model: most have no word of it, and there may be millions."""
    lower = text.casefold()
    return any(hint in lower for hint in HINTS)


def is_label(word: str) -> bool:
    """Say whether a word in small letters is a label; in Korean what goes with it is joined to it."""
    return word in LABELS or LABEL_KO.match(word) is not None


def begins(sentence: str, order: re.Pattern[str] | None) -> int | None:
    """Return where a sentence begins to speak to the model, None if it does not."""
    said = [(found.group().casefold(), found.start()) for found in WORDS.finditer(sentence)]
    words = [word for word, _ in said]
    labels = [word for word in words if is_label(word)]
    labelling = [word for word in words if word in LABELLING or word.startswith(LABELLING_KO)]
    business = [word for word in words if word in BUSINESS or BUSINESS_KO.match(word)]
    given = [word for word in labels if not MANNER_KO.match(word) or _is_told_to(sentence)]
    alone = labels and LEADS.issuperset({*words} - {*labels}) and not sentence.rstrip().endswith(":")
    often = max(Counter(labels).values(), default=0) >= LABEL_OFTEN
    patterns = (pattern for pattern in (ORDER, VERDICT, GIVEN, order) if pattern)
    places = [found.start() for pattern in patterns if (found := pattern.search(sentence))]
    places += _to_ignore(sentence)
    if labelling or (given and business) or len(TELLING & {*business}) > 1 or alone or often:
        first = {*labels, *labelling, *business}
        places.append(next(start for word, start in said if word in first))
    if not (places and said):
        return None
    begin = next((n for n, (word, start) in enumerate(said) if start + len(word) > min(places)), 0)
    while begin and words[begin - 1] in LEADS:
        begin -= 1
    before = sentence[: said[begin][1]]
    return len(before.rstrip(OPENERS))


def _to_ignore(sentence: str) -> Iterator[int]:
    """Yield where somebody is told to ignore what they were told."""
    for found in IGNORED.finditer(sentence):
        if found["then"] or not (found["who"] or found["some"]):
            yield found.start()
    found_ko = IGNORED_KO.search(sentence)
    if found_ko and _is_told_to(sentence[found_ko.end() :]):
        yield found_ko.start()


def _is_told_to(sentence: str) -> bool:
    """Say whether a sentence in Korean may tell somebody to do something."""
    return bool(_TELLS_TO.search(sentence)) or not _TELLS_OF.search(sentence)


@cache
def to_give(labels: Sequence[str]) -> re.Pattern[str] | None:
    """Return what an order to give one of some labels looks like, where there are labels."""
    if not labels:
        return None
    begin = r"(?:^|[.!?,;:\n]\s*|\b(?:please|must|should|just|and|to)\s+)"
    order = r"(?:answer|classify|label|output|reply)\b(?:\s+(?:a|an|as|it|only|review|that|the|this|with|word))*"
    names = "|".join(map(re.escape, labels))
    return re.compile(rf"{begin}{order}[\s:\"'(]+(?:{names})(?!\w)", re.IGNORECASE)
