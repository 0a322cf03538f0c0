"""The prompts that a run of sentiment asks, for bare scripts to ask the same."""

from itertools import chain

from pipelines.corpus import reader
from pipelines.corpus.reading import Reading
from pipelines.corpus.row import Row
from pipelines.corpus.sources import Source
from pipelines.engine.interface import Sampling
from pipelines.models.catalog import Model
from pipelines.prompts.template import one_line, tokenize
from pipelines.prompts.tokenizer import Tokenizer
from pipelines.tasks.sentiment import SENTIMENT


def prompts(source: str, limit: int, model: Model) -> tuple[list[list[int]], Sampling]:
    """Return the token ids of each distinct prompt about the first rows of a file, the anchors last."""
    tokenizer = Tokenizer(model.folder)
    asked = tokenize(SENTIMENT.forms["ask.en"], tokenizer)
    rows = chain.from_iterable(reader.read([Source(source)], Reading(), limit))
    reviews = [row.text for row in rows if isinstance(row, Row)]
    texts = dict.fromkeys(f" {one_line(text)}" for text in chain(reviews, *SENTIMENT.anchors))
    return [asked.around(body) for body in tokenizer.encode_all(list(texts))], asked.sampling
