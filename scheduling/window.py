"""The window: how many requests may be inside the engine at once."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Window:
    """Enough requests to keep the engine full, few enough that the order still means something.

    `max_requests` bounds their number and `max_tokens` the prompt and output tokens that they may
    hold in the KV cache. A request larger than `max_tokens` is admitted alone.
    """

    max_requests: int
    max_tokens: int
    _held: dict[int, int] = field(default_factory=dict)
    _tokens: int = 0

    def __len__(self) -> int:
        return len(self._held)

    def can_admit(self, tokens: int) -> bool:
        """Say whether a request that may come to hold `tokens` fits beside those in flight."""
        return not self._held or (len(self._held) < self.max_requests and self.has_room(tokens))

    def has_room(self, tokens: int) -> bool:
        """Say whether `tokens` fit beside those in flight, however many requests that are."""
        return self._tokens + tokens <= self.max_tokens

    def admit(self, request: int, tokens: int) -> None:
        """Count the request as in flight."""
        self._held[request] = tokens
        self._tokens += tokens

    def release(self, request: int) -> None:
        """Count the request as finished; KeyError when it was not in flight."""
        self._tokens -= self._held.pop(request)
