"""The program in processes of its own, forked from one that has imported everything: each starts at once.

A process started anew imports LiteLLM first, which takes seconds; what is killed here is as real.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Running:
    """A process of the program; its end is waited for with `Forking.wait`."""

    pid: int
    out: Path


class Forking:
    """Starts the program as often as it is told to, one process at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-P", "-m", "tests.tools.evaluation.forking"]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._heard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)

    def start(self, words: Sequence[str], home: Path) -> Running:
        """A process of the program with these words and this state folder."""
        self._count += 1
        out = self._folder / f"out-{self._count}.json"
        assert self._process.stdin is not None
        order = {"words": list(words), "home": str(home), "out": str(out)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Running(int(self._heard()), out)

    def wait(self) -> int:
        """The exit status of the process that was started last; less than 0 where a signal ended it."""
        return int(self._heard())

    def run(self, words: Sequence[str], home: Path) -> dict[str, Any]:
        """The document of a whole call."""
        running = self.start(words, home)
        assert self.wait() == 0
        document: dict[str, Any] = json.loads(running.out.read_text(encoding="utf-8"))
        return document

    def _heard(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that forks has ended"
        return line


def _serve() -> None:
    import tui.command_evaluate  # noqa: F401 - imported once, for all
    from tools.model_calls import client
    from tui.cli import main

    client.load()
    print("0", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.environ["LLM_ADVISOR_HOME"] = order["home"]
            for number, path, flags in (
                (0, os.devnull, os.O_RDONLY),
                (1, order["out"], os.O_WRONLY | os.O_CREAT),
                (2, os.devnull, os.O_WRONLY),
            ):
                os.dup2(os.open(path, flags, 0o600), number)
            sys.stdin = os.fdopen(0, encoding="utf-8")
            status = main(order["words"])
            sys.stdout.flush()
            os._exit(status)
        print(pid, flush=True)
        _, ended = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(ended), flush=True)


if __name__ == "__main__":
    _serve()
