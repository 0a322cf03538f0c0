"""The stages: what the tasks about restaurants ask, one stage out of the answers to the one before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.config import Config
from pipelines.engine.interface import Failure
from pipelines.events import Asking, Emit
from pipelines.ledger.ledger import Ledger
from pipelines.ledger.records import Answer, Asker, RequestState, StageRequest
from pipelines.prompts.prompts import Prompts
from pipelines.questions.question import question
from pipelines.questions.restaurants import SAMPLE, Restaurants
from pipelines.tasks import Task
from pipelines.tasks.restaurant import RestaurantState, Stage
from scheduling.chunks import chunks

CHUNK = 2048  # tokens of reviews in one prompt, or half the context where that is less


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What answers have come to: rows answered and rejected, and the jobs that go on to a next stage, or have ended.

    `rowwise` are jobs whose rows are answered one by one, each as often as it asked what was answered or failed.
    """

    answered: int
    rejected: int
    moved: list[int]
    ended: list[Asker]
    rowwise: list[Asker]


class Stages:
    """Asks what the stages of a run's tasks ask, and settles what comes back, in a ledger."""

    def __init__(self, ledger: Ledger, prompts: Prompts, config: Config) -> None:
        self._ledger = ledger
        self._prompts = prompts
        self._config = config
        self.restaurants = Restaurants(ledger.rows)
        # Reviews in one prompt are the same for all tasks, or they would share no prefixes.
        rooms = (prompts.room(task.name, form) for task in config.tasks if task.whole for form in task.forms)
        self._chunk = min(CHUNK, prompts.context // 2, *(room for room in rooms if room > 0))

    def settle(self, answers: Sequence[Answer], failures: Sequence[Failure]) -> Settled:
        """Make answers and failures durable, with what restaurants' next stages have to ask."""
        with self._ledger.together():  # or a run that is killed in between would seem to be done
            self._ledger.requests.settle(answers, failures)
            answered = rejected = 0
            whole: dict[int, Asker] = {}
            rowwise: list[Asker] = []
            finished = (([answer.flight.request.id for answer in answers], True), ([f.id for f in failures], False))
            for requests, good in finished:
                for asker in self._ledger.requests.askers(requests):
                    if self._config.task(asker.task).whole:
                        whole[asker.job] = asker
                        continue
                    rowwise.append(asker)
                    if good:
                        answered += asker.rows
                    else:
                        rejected += asker.rows
            moved: list[int] = []
            ended: list[Asker] = []
            for job in whole.values():
                if self._ledger.requests.has_waiting(job.job):
                    continue  # others of its stage are under way
                if self.advance(job.task, job.job, job.unit):
                    moved.append(job.job)
                else:
                    ended.append(job)
                    rows_answered, rows_rejected = self._ledger.requests.row_outcomes(job.job)
                    answered, rejected = answered + rows_answered, rejected + rows_rejected
            return Settled(answered=answered, rejected=rejected, moved=moved, ended=ended, rowwise=rowwise)

    def begin(self, emit: Emit) -> None:
        """Ask what restaurants' jobs have to ask first, of those that ask nothing yet."""
        jobs = self._ledger.jobs.unasked()
        units = len({job.unit for job in jobs})
        for n, job in enumerate(jobs, start=1):
            self.advance(job.task, job.id, job.unit)
            emit(Asking(n * units // len(jobs), units))

    def advance(self, name: str, job: int, unit: str) -> bool:
        """Ask what a restaurant's next stage under a task has to ask, and say whether the job now waits for an answer.

        A stage that was answered in an earlier run is passed over.
        """
        task = self._config.task(name)
        while True:
            requests = self._ledger.requests.stages(job)
            if any(request.state == RequestState.WAITING for request in requests):
                return True
            if not _may_go_on(requests):
                return False
            if task.made_of and not requests:
                others = self.restaurants.others(unit, task)
                self._ledger.requests.share(job, name, of=task.made_of.name, unit=unit, others=others, most=SAMPLE)
                continue
            restaurant = self.restaurants.state(unit, task, requests)
            stage = task.stage(restaurant)
            if stage is None:
                return False
            self._ask(task, job, len(restaurant.answers), restaurant, stage=stage)

    def _ask(self, task: Task, job: int, number: int, restaurant: RestaurantState, *, stage: Stage) -> None:
        form = task.form(stage.form, restaurant.lang)
        lines = self._prompts.encode_lines(stage.lines)
        room = 1 if stage.apart else min(self._chunk, max(1, self._prompts.room(task.name, form)))
        # Answers that are merged have to become fewer.
        parts = chunks([len(line) for line in lines], room, least=2 if number and not task.made_of else 1)
        below = self._ledger.requests.lowest_seq(task.name)
        questions = []
        for n, part in enumerate(parts, start=1):
            about = [token for line in lines[part] for token in line]
            schema = task.held(stage, part)
            # Something once stood after the lines: without it all that people's ledgers keep would be asked anew.
            key = self._prompts.key(task.name, form, [str(number), *stage.lines[part], "", schema or ""])
            # The first stage is about reviews, a later one about answers, which have numbers below 0.
            seqs = [below - n] if number else [review.seq for review in restaurant.reviews[part]]
            asked = question(self._prompts, task.name, form, key, job=job, seqs=seqs, body=about)
            prefix = asked.shared_prefix + (0 if number else len(about))
            questions.append(replace(asked, reviews_prefix=prefix, schema=schema))
        self._ledger.requests.ask(task.name, number, questions, again=self._config.again)


def _may_go_on(requests: Sequence[StageRequest]) -> bool:
    """Say whether what a job's last stage was answered suffices for a next one.

    A chunk of reviews without an answer is left out; of what is made of answers, everything is needed.
    """
    if not requests:
        return True
    last = max(request.stage for request in requests)
    answered = [request.state == RequestState.ANSWERED for request in requests if request.stage == last]
    return all(answered) if last else any(answered)
