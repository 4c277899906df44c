"""The worker process (_worker.py) as the process that starts it sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import core
from core.errors import MapError
from core.projection._files import FOLDER
from core.util.files import remove_leftovers
from core.util.progress import StageReport

UNEXPECTED = "It broke off unexpectedly: the terminal shows why. Try it again, or use PCA"
_PATIENCE = 10.0  # seconds until a process whose output has ended must be gone


class WorkerProcess:
    """A process that performs one task after the other. It ends when its parent does, however that ends."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @classmethod
    def start(cls) -> WorkerProcess:
        """Start a process. Raises MapError where that cannot be done."""
        root = Path(core.__file__).absolute().parents[1]
        command = [sys.executable, "-m", "core.projection._worker"]
        try:
            return cls(
                subprocess.Popen(  # noqa: S603  our own module
                    command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
                )
            )
        except OSError as error:
            raise MapError(
                f"The map's worker {' '.join(command)} cannot be started ({error.strerror}): "
                "is there memory left? PCA needs none"
            ) from error

    @property
    def alive(self) -> bool:
        """Whether it can be given a task."""
        return self.process.poll() is None

    def perform(self, task: Mapping[str, object], report: StageReport, data: Path) -> None:
        """Give it a task and wait until that is over. Raises MapError where it fails, or the process dies.

        ``report`` is told the stage and the share that is done. What a process that dies left half-written in the data
        folder is removed.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):  # it is dead: its output has ended too
            self.process.stdin.write(json.dumps(task) + "\n")
            self.process.stdin.flush()
        for line in self.process.stdout:
            message = json.loads(line)
            if "error" in message:
                raise MapError(message["error"])
            if "done" in message:
                return
            report(message["stage"], message["share"])
        raise MapError(self._cause_of_death(data))

    def _cause_of_death(self, data: Path) -> str:
        """Return why the process ended, and remove what it left half-written."""
        try:
            status = self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        for folder in (data / FOLDER).glob("*"):
            remove_leftovers(folder, process=self.process.pid)
        if status >= 0:
            return UNEXPECTED
        return (
            f"The system ended it (signal {-status}), likely for want of memory: "
            "use PCA, or lower the limit of chunks that are laid out"
        )

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self.process.kill()

    def close(self) -> None:
        """Let it end, and wait for that."""
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):
                if stream:
                    stream.close()
        self.process.wait()
