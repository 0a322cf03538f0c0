import json
import math
import os
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from pipelines.engine.interface import Completion, EngineStats, Failure, Limits, Replica, Request, Timing
from pipelines.errors import EngineDied
from pipelines.models import catalog
from pipelines.prompts.tokenizer import Tokenizer

# The tiny model is too small for threads to share; where others work on the machine too, they would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# On a busy machine an example may take long; what it shows does not depend on it.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser):
    parser.addoption("--soak", action="store_true", help="try to break each promise for an hour, not for seconds")


@pytest.fixture(scope="session")
def often(request):
    """Say how often something is tried: so many times, or as often as a soak asks for."""
    return lambda times, soak: soak if request.config.getoption("soak") else times


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A user cache of the tests' own, as XDG_CACHE_HOME would name it; vLLM's is in it, for all engines."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CACHE_ROOT", str(folder / "vllm"))
        yield folder


@pytest.fixture(scope="session")
def tiny(cache):
    return catalog.find("tiny", cache / "reviewbatch" / "models")


@pytest.fixture(scope="session")
def tokenizer(tiny):
    return Tokenizer(tiny.folder)


@pytest.fixture(scope="session")
def engine(tiny):
    """One real vLLM for all tests: starting it is what takes time."""
    # vLLM and torch warn of their own deprecations while they load; the tests raise on every other warning.
    with warnings.catch_warnings(action="ignore"):
        from pipelines.engine.vllm_engine import VllmEngine

        started = VllmEngine(tiny, {"kv_cache_memory_bytes": 1 << 28, "max_num_seqs": 8})
    yield started
    started.close()


@pytest.fixture(scope="session")
def lent(engine):
    """Lend the session's engine to a run, which would close its own."""

    class Lent:
        limits, replicas, restarts = engine.limits, engine.replicas, 0
        stats = property(lambda self: engine.stats)
        submit, step, reset_prefix_cache = engine.submit, engine.step, engine.reset_prefix_cache

        def close(self):
            pass

    return Lent


class FakeEngine:
    """Answers everything after `latency` steps; dies when a prompt holds a deadly token."""

    limits = Limits(max_num_seqs=4, max_num_batched_tokens=4096, block_size=32)
    replicas = (Replica(0, 100_000),)
    stats = EngineStats()  # it has nothing under way to tell of
    restarts = 0

    def __init__(self, latency: int = 1, deadly: int | None = None, refused: int | None = None) -> None:
        self.latency, self.deadly, self.refused = latency, deadly, refused
        self.submitted: list[Request] = []
        self.most_in_flight = 0
        self.closed = False
        self._ages: dict[int, tuple[Request, int]] = {}

    def submit(self, requests: Sequence[Request]) -> None:
        self.submitted += requests
        self._ages |= {request.id: (request, 0) for request in requests}
        self.most_in_flight = max(self.most_in_flight, len(self._ages))

    def step(self, patience: float = math.inf) -> list[Completion | Failure]:
        done: list[Completion | Failure] = []
        now = time.monotonic()
        for request, age in list(self._ages.values()):
            if self.deadly in request.prompt:
                raise EngineDied("it was deadly")
            if age + 1 < self.latency:
                self._ages[request.id] = request, age + 1
                continue
            del self._ages[request.id]
            done.append(
                Failure(request.id, "engine-refused", "will not")
                if self.refused in request.prompt
                else Completion(
                    request.id,
                    self.says(request),
                    {token: -1.0 - n for n, token in enumerate(request.sampling.score)},
                    Timing(
                        now,
                        now,
                        now,
                        now,
                        prompt_tokens=len(request.prompt),
                        cached_tokens=0,
                        output_tokens=1,
                        preemptions=0,
                    ),
                )
            )
        return done

    def says(self, request: Request) -> str:
        """Return the shortest text that the request's schema allows."""
        schema = request.sampling.schema
        return json.dumps(instance(json.loads(schema)), ensure_ascii=False) if schema else ""

    def close(self) -> None:
        self.closed = True


def instance(schema: dict) -> Any:
    """Return a small value that a JSON Schema allows, of those parts of it that the program uses."""
    if "anyOf" in schema:
        return instance(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {name: instance(part) for name, part in schema["properties"].items()}
        case "array":
            items = schema.get("prefixItems") or [schema["items"]] * schema.get("minItems", 1)
            return [instance(part) for part in items][: schema.get("maxItems")]
        case "string":
            return "x" * schema.get("minLength", 1)
        case kind:
            return {"integer": 1, "number": 0.5, "boolean": True}[kind]


@pytest.fixture
def fake_engine():
    return FakeEngine


@pytest.fixture
def write_jsonl(tmp_path):
    def write(rows: Sequence[dict], name: str = "reviews.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


@pytest.fixture
def reviews():
    """Some reviews of three restaurants of unequal size, two of them asking the same thing."""

    def make(n: int = 12) -> list[dict]:
        return [
            {
                "review_id": f"r{i}",
                "restaurant_id": ("large", "large", "small", "large", "medium", "medium")[i % 6],
                "text": "good" if i % 5 == 0 else f"the food was number {i} " + "and fine " * (i % 6),
            }
            for i in range(n)
        ]

    return make
