"""The queue: a heap of the jobs that wait, best rank first."""

import heapq
from collections.abc import Iterable

from scheduling.job import Job
from scheduling.policy import Policy, Rank


class JobQueue:
    """A priority queue of jobs under one policy; push and pop in O(log n), also while it is drained."""

    def __init__(self, policy: Policy, jobs: Iterable[Job] = ()) -> None:
        self._policy = policy
        # The id ends the tuple so that two jobs of equal rank never compare as jobs.
        self._heap: list[tuple[Rank, int, Job]] = [(policy(job), job.id, job) for job in jobs]
        heapq.heapify(self._heap)

    def push(self, job: Job) -> None:
        """Add a job that has just arrived."""
        heapq.heappush(self._heap, (self._policy(job), job.id, job))

    def pop(self) -> Job:
        """Remove and return the job that goes next; IndexError when none waits."""
        return heapq.heappop(self._heap)[-1]

    def __len__(self) -> int:
        return len(self._heap)
