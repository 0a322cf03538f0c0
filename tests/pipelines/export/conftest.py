"""What the tests of exports share: what a run in `out` has asked."""

import pytest

from pipelines.export.asked import Questions
from pipelines.ledger import history
from pipelines.tasks import built_in


@pytest.fixture
def known(go):
    """The tasks that runs can be asked for, by name."""
    return built_in() | go.__globals__["CHUNKED"]


@pytest.fixture
def asked(tmp_path):
    """List what tasks have asked, one task after the other."""

    def asked(*tasks):
        with history.opened(tmp_path / "out") as (db, run):
            questions = Questions(db, run)
            return [one for task in tasks for one in questions.of(task)]

    return asked
