"""The runs of a process, one after the other: begun from any page, and taken up again after a restart."""

from __future__ import annotations

import threading
import weakref
from contextlib import suppress

from core.evaluation._part_evaluation_planning import Request
from core.evaluation.experiments import Experiment, create, delete, experiments, open_experiment
from core.evaluation.jobs import Evaluating
from core.workspace import Workspace

PATIENCE = 120.0  # seconds that deleting waits for a run to stop
LEAVING = 10.0  # seconds that the end of the program waits for one


class Evaluations:
    """The runs of one data folder. It belongs to the process, not to a page: a rerun or a closed tab ends nothing."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._runs: dict[str, Evaluating] = {}
        weakref.finalize(self, _end, self._runs)  # at the program's end too

    def all(self) -> list[Evaluating]:
        """Return the runs of this process, newest first."""
        return [run for _, run in sorted(self._runs.items(), reverse=True)]

    def get(self, id_: str) -> Evaluating | None:
        """Return the run of an experiment, None where this process never had it."""
        return self._runs.get(id_)

    def start(self, request: Request) -> Evaluating:
        """Put a run by and begin it. Raises SettingsError for what cannot be asked, StoreError where it cannot be put by."""
        request.parsed()
        with self._lock:
            run = self._begin(create(self._workspace.settings.data, request))
        assert run is not None  # nobody else knows of it yet
        return run

    def again(self, id_: str) -> Evaluating | None:
        """Go on with a run that failed or was cancelled; None where another process has it. Raises DataError where it is gone."""
        with self._lock:
            there = self._runs.get(id_)
            if there and there.active:
                return there
            return self._begin(open_experiment(self._workspace.settings.data, id_))

    def resume(self) -> None:
        """Take up the runs of the data folder that a process left when it died."""
        with self._lock:
            for experiment in experiments(self._workspace.settings.data)[0]:
                if experiment.state in ("waiting", "running") and experiment.id not in self._runs:
                    self._begin(experiment)

    def forget(self, id_: str) -> None:
        """Delete an experiment; one that is under way is stopped first. Raises DataError or StoreError."""
        run = self._runs.get(id_)
        if run and run.active:
            run.cancel()
            run.wait(PATIENCE)
        delete(self._workspace.settings.data, id_)
        self._runs.pop(id_, None)

    def _begin(self, experiment: Experiment) -> Evaluating | None:
        run = Evaluating(self._workspace, experiment, self._turn)
        if not run.begin():
            return None
        self._runs[experiment.id] = run
        return run


def _end(runs: dict[str, Evaluating]) -> None:
    """Leave what is not done to the next start; models must not compute while the program goes down."""
    active = [run for run in runs.values() if run.active]
    for run in active:
        run.stop()
    for run in active:
        with suppress(TimeoutError):
            run.wait(LEAVING)
