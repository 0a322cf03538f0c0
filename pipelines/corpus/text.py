"""Text: a review as its diner wrote it, without what sites and exports have made of it."""

import html
import re
import unicodedata
from html.entities import html5

from pipelines.corpus import language

# Characters that nobody sees, as a regular expression's class has them: the soft hyphen, borders of words, the byte
# order mark, what turns the direction, and tags, in which a text can hide; three flags end in tags and turn black.
INVISIBLE = "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
JOINERS = "\u200c\u200d"  # nor these, but families of emoji, Persian and the scripts of India are written with them
DEPTH = 8  # what is escaped more often than that, no export has made

_ENDS = re.compile("[\r\v\f\x1c-\x1e\x85\u2028\u2029]")  # of lines
_UNSEEN = re.compile(f"[\0-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f{INVISIBLE}]")
# An n behind a backslash is a line break where it cannot begin a word, before anything but a small letter, and where a
# sentence or a line has ended. Those of "C:\new" and "cheese \nachos" are none.
_LINE = r"(?:\\+r)?\\+n"
_LINES = re.compile(rf"""(?<!\\){_LINE}(?![a-z])|(?:(?<![^.!?…)"'\n])|(?<=[.!?…)"'\n] )){_LINE}""")
_QUOTATION = re.compile(r"""(?<!\\)\\+(?:(")(?:\\*")*|('))""")
_CODES = re.compile(r"(?<!\\)(?:\\+u[0-9a-fA-F]{4})+")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Behind the name of an element there is nothing, or an attribute with a value: "<b and c>" is none. "<s>" marks what is
# said to models as well, and stays for those who look for that.
_REST = r"(?:\s[^<>=]*=[^<>]*|[\s/]*)>"
_HIDDEN = r"\s(?=[^<>]*(?:display\s*:\s*none|visibility\s*:\s*hidden))[^<>]*>"
_UNREAD = re.compile(
    rf"<(script|style){_REST}.*?(?:</\1\s*>|\Z)|<(\w+){_HIDDEN}(?:.*?</\2\s*>)?|<!--.*?(?:-->|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_BREAK = re.compile(
    rf"</?(?:blockquote|br|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|table|tbody|td|tfoot|th|thead|tr|ul){_REST}",
    re.IGNORECASE,
)
_INLINE = re.compile(
    rf"</?(?:a|abbr|b|big|body|center|del|em|font|head|html|i|img|ins|q|small|span|strike|strong|sub|sup|tt|u){_REST}",
    re.IGNORECASE,
)
_MARKS = re.compile(r"\((?:(Translated by Google|Google 번역 제공|번역: ?Google)|Original|원본|원문)\)")


def readable(text: str, lang: str | None = None) -> str:
    """Return a text as a person would read it: without markup, escapes and characters that are not seen.

    Of a review that Google has translated one of both stands for it: what is in the language of a code, or else what
    the diner wrote. What is readable stays as it is.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)  # some systems write Hangul in pieces
    for _ in range(DEPTH):
        before, text = text, _undone(text, lang)
        if text == before:
            return text
        text = text.strip()
    return _undone(re.sub(r"[&<\\]", "", text), lang).strip()


def _undone(text: str, lang: str | None) -> str:
    """Return a text that was escaped once more often.

    Markup that was escaped is markup all the same: exports do that, and diners do not write about it. Most texts have
    nothing of all this, and there may be millions.
    """
    if not text.isprintable():
        text = _UNSEEN.sub("", _ENDS.sub("\n", text.replace("\r\n", "\n")).replace("\xa0", " "))
    if "\\" in text:
        text = _CODES.sub(_coded, _QUOTATION.sub(r"\1\2", _LINES.sub("\n", text)))
    if "&" in text:
        text = _ENTITY.sub(_character, text)
    if "<" in text:
        text = _INLINE.sub("", _BREAK.sub("\n", _UNREAD.sub("", text)))
    return _opinion(text, lang) if "Google" in text else text


def _coded(codes: re.Match[str]) -> str:
    """Return the characters that UTF-16 codes stand for, as JSON spells them."""
    return bytes.fromhex(codes[0].replace("\\", "").replace("u", "")).decode("utf-16-be", errors="replace")


def _character(entity: re.Match[str]) -> str:
    """Return what an entity stands for; `html.unescape` alone would find "&reg" in "&regional;"."""
    return html.unescape(entity[0]) if entity[0][1] == "#" or entity[0][1:] in html5 else entity[0]


def _opinion(text: str, lang: str | None) -> str:
    """Return one of an original and its translation where a text has both; what stands before any mark is original."""
    before, *marked = _MARKS.split(text)
    translated: dict[bool, list[str]] = {False: [before.strip()], True: []}
    for mark, part in zip(marked[::2], marked[1::2], strict=True):
        translated[bool(mark)].append(part.strip())
    if not translated[True]:
        return text
    said = [whole for parts in translated.values() if (whole := "\n\n".join(filter(None, parts)))]
    return next((one for one in said if lang and language.of(one) == language.code(lang)), "".join(said[:1]))
