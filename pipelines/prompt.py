"""A prompt: token ids, in three parts."""

from dataclasses import dataclass

from pipelines.engine import Sampling


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a review in a task's prompt, as token ids, and how the answer is sampled.

    Every prompt of the task begins with `head`, which the engine therefore computes once.
    """

    head: tuple[int, ...]
    tail: tuple[int, ...]
    sampling: Sampling

    def around(self, body: list[int]) -> list[int]:
        """Return the whole prompt for the review whose tokens are `body`."""
        return [*self.head, *body, *self.tail]

    @property
    def tokens(self) -> int:
        """Tokens of every prompt that are not the review's own."""
        return len(self.head) + len(self.tail)
