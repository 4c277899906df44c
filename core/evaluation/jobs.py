"""Evaluation in the background: one experiment after the other, watched, cancelled, and taken up again.

An experiment is on the disk before it is queued, and the candidates of each query are written as soon as they are
retrieved. Killed, it goes on at the next start where it stood, unless documents or a model have changed since: its
figures would then be of two different things, and it fails.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from filelock import FileLock, Timeout

from core.background import BackgroundJob, JobQueue, State
from core.errors import DataError, RankscopeError, StoreBusy
from core.evaluation.experiments import (
    CANDIDATES,
    LOCK,
    QUERIES,
    Experiment,
    create,
    delete,
    experiments,
    open_experiment,
    save,
    save_judged,
    save_results,
    writable,
)
from core.evaluation.results import Results
from core.evaluation.runner import Plan, Request, plan
from core.util.formatting import plural
from core.workspace import Workspace

CHANGED = (
    "The documents or a model have changed since this run began, so that its figures would be of two different things: "
    "run it anew"
)
DELETE_PATIENCE = 120.0  # seconds that deleting an experiment waits for its job to stop


class EvaluationJob(BackgroundJob):
    """An experiment that is under way: ``experiment`` is what the disk has of it.

    ``done`` of ``total`` records are there, one for each query and searched collection.
    """

    unexpected = f"{BackgroundJob.unexpected}. What was answered before is kept, and it can go on"

    def __init__(self, workspace: Workspace, experiment: Experiment) -> None:
        super().__init__(experiment.id)
        self.experiment = experiment
        self.stage = "waiting for the runs before it"
        self.done = self.total = 0
        self._workspace = workspace
        self._done_before = 0  # by an earlier run
        self._retrieving_since = 0.0
        self._file_lock = FileLock(experiment.folder / LOCK, timeout=0, thread_local=False)

    def claim(self) -> bool:
        """Take the experiment for this process, until the job is over; False where another process has it."""
        try:
            self._file_lock.acquire()
        except Timeout:
            return False
        return True

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it is done, judged by what this run has retrieved; None while that cannot be told."""
        fresh = self.done - self._done_before
        if fresh < 1 or not self.active:
            return None
        return (time.monotonic() - self._retrieving_since) / fresh * (self.total - self.done)

    def run(self) -> None:
        """Retrieve for every query, measure, and keep the results."""
        self.experiment = save(self.experiment, state="running", error="")
        self.report(0.0, "opening collections and models")
        resumed = (self.experiment.folder / QUERIES).exists()
        prepared = plan(self._workspace, self.experiment.request, self.experiment.judged() if resumed else None)
        if resumed and prepared.data != self.experiment.data:
            raise DataError(CHANGED)
        if not resumed:
            self.experiment = save(self.experiment, facts=dict(prepared.facts), notes=prepared.notes)
            save_judged(self.experiment, prepared.judged)
        self._retrieve(prepared)
        self.stage = "measuring"
        candidates, measures = self.experiment.candidates(), self.experiment.request.measures
        results = Results.of(prepared.judged, prepared.runner.systems, candidates, measures)
        save_results(self.experiment, results)
        seconds = self.experiment.seconds + self.seconds
        self.experiment = replace(self.experiment, notes=(*prepared.notes, *results.notes), seconds=seconds)

    def _retrieve(self, prepared: Plan) -> None:
        """Write the candidates that are not there yet, a line each."""
        self.experiment.mend()
        answered = {(candidates.corpus, candidates.query) for candidates in self.experiment.candidates()}
        self.total, self.done, self._done_before = prepared.runner.total, len(answered), len(answered)
        prepared.runner.prepare(lambda line: self.report(self._share_done(), line))
        self._retrieving_since = time.monotonic()
        with writable(self.experiment.folder):
            file = (self.experiment.folder / CANDIDATES).open("a", encoding="utf-8")
        with file:
            for candidates in prepared.runner.run(done=answered):
                with writable(self.experiment.folder):
                    file.write(candidates.to_json() + "\n")
                    file.flush()
                self.done += 1
                queries = plural(self.total, "query", "queries")
                self.report(self._share_done(), f"{self.done:,} of {queries} answered")

    def _share_done(self) -> float:
        return self.done / self.total if self.total else 0.0

    def record_end(self, state: State, error: str) -> None:
        """Keep how it ended. Where the process ends, the next start goes on: the experiment stays as it is."""
        try:
            if not (state == "cancelled" and self.interrupted):
                self.experiment = save(self.experiment, state=state, error=error)
        except RankscopeError as failure:
            self.experiment = replace(self.experiment, state="failed", error=error or str(failure))
            raise
        finally:
            self._file_lock.release()


class EvaluationQueue(JobQueue[EvaluationJob]):
    """The experiments of one data folder that this process runs.

    One at a time: two would slow one another down, and their milliseconds would be worth nothing.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__("evaluation")
        self._workspace = workspace
        self._changing = threading.Lock()

    def all(self) -> list[EvaluationJob]:
        """Return the jobs, those of the newest experiments first."""
        return sorted(super().all(), key=lambda job: job.key, reverse=True)

    def start(self, request: Request) -> EvaluationJob:
        """Create an experiment and queue it. Raises SettingsError for an invalid request, or StoreError."""
        request.parse_systems()
        with self._changing:
            job = self._claim_and_add(create(self._workspace.settings.data, request))
        assert job is not None  # nobody else knows of it yet
        return job

    def restart(self, id_: str) -> EvaluationJob | None:
        """Go on with an experiment that failed or was cancelled; None where another process has it.

        Raises DataError where it is gone.
        """
        with self._changing:
            job = self.get(id_)
            if job and job.active:
                return job
            return self._claim_and_add(open_experiment(self._workspace.settings.data, id_))

    def resume(self) -> None:
        """Take up the experiments of the data folder that a process left when it died, oldest first."""
        with self._changing:
            for experiment in reversed(experiments(self._workspace.settings.data)[0]):
                if experiment.state in ("waiting", "running") and self.get(experiment.id) is None:
                    self._claim_and_add(experiment)

    def delete(self, id_: str) -> None:
        """Delete an experiment; one that is under way is stopped first.

        Raises DataError or StoreError, StoreBusy where it does not stop in two minutes.
        """
        job = self.get(id_)
        if job and job.active:
            job.cancel()
            try:
                job.wait(DELETE_PATIENCE)
            except TimeoutError as error:
                raise StoreBusy(
                    f"The experiment {job.experiment.name!r} is still at a step that cannot be interrupted: "
                    "it stops after that, delete it then"
                ) from error
        delete(self._workspace.settings.data, id_)
        if job:
            self.remove(job)

    def _claim_and_add(self, experiment: Experiment) -> EvaluationJob | None:
        job = EvaluationJob(self._workspace, experiment)
        return self.add(job) if job.claim() else None
