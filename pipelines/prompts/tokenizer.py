"""The tokenizer: text to token ids, with no way for text to become a special token."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from jinja2 import TemplateError
from tokenizers import Tokenizer as Backend
from transformers import AutoTokenizer

from pipelines.errors import ModelError


class Tokenizer:
    """A model's tokenizer with every added token taken out of it.

    Added tokens (`<|im_end|>`, `<s>`) are matched in the text before the vocabulary is; without
    them a review that spells one is encoded as the plain characters it consists of. Switching off
    "add special tokens" does not do that: it only stops the tokenizer from adding its own.

    `bos` is what the model expects at the start of a prompt, often nothing.
    """

    def __init__(self, folder: Path) -> None:
        try:
            original = AutoTokenizer.from_pretrained(folder, use_fast=True, trust_remote_code=False)
            definition = json.loads(original.backend_tokenizer.to_str())
        except Exception as error:  # transformers raises whatever its parts raise
            what = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(f"{folder} has no tokenizer that can be used: {what}") from error
        added = original.added_tokens_decoder
        self.special = frozenset(i for i, token in added.items() if token.special)
        opening = original("")["input_ids"]
        bos = original.bos_token_id
        self.bos: tuple[int, ...] = (bos,) if bos is not None and bos in opening else ()
        definition |= {"added_tokens": [], "truncation": None, "padding": None}
        self._backend = Backend.from_str(json.dumps(definition))
        self._original = original

    def encode(self, text: str) -> list[int]:
        """Return the token ids of the text and nothing else."""
        return self.encode_all([text])[0]

    def conversation(self, messages: Sequence[Mapping[str, str]], gap: str) -> tuple[list[int], list[int]] | None:
        """Return the tokens of a conversation before and after the `gap` in its last message.

        They are as the model's chat template has them, whose special tokens they have; None where there is no template,
        or it has no place for what is said.
        """
        if not self._original.chat_template:
            return None
        for said in (messages, _one_voice(messages)):
            with suppress(TemplateError):
                text = self._original.apply_chat_template(
                    said, tokenize=False, add_generation_prompt=True, enable_thinking=False
                )
                before, found, after = text.partition(gap)
                if found:
                    first, last = self._original([before, after], add_special_tokens=False)["input_ids"]
                    return first, last
        return None

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, computed in parallel."""
        encoded = self._backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [self._plain(encoding.ids) for encoding in encoded]

    def _plain(self, ids: list[int]) -> list[int]:
        # A vocabulary may hold a special token as a piece of its own; then only leaving it out keeps it out.
        return ids if self.special.isdisjoint(ids) else [i for i in ids if i not in self.special]


def _one_voice(messages: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return the conversation for a template that knows no system: what it is told stands before what is said first."""
    first, *rest = messages
    if first["role"] != "system" or not rest:
        return [*messages]
    return [{**rest[0], "content": f"{first['content']}\n\n{rest[0]['content']}"}, *rest[1:]]
