"""The tasks: what can be asked of a corpus."""

from collections.abc import Mapping
from types import MappingProxyType

from pipelines.tasks.sentiment import Judge, Row, Sentiment

__all__ = ["TASKS", "Judge", "Row", "Sentiment", "Task"]

Task = Sentiment
TASKS: Mapping[str, type[Task]] = MappingProxyType({Sentiment.name: Sentiment})
