"""`doctor --report` on the machine that runs it: neither its host's name nor its user's is in it."""

from __future__ import annotations

import getpass
import os
import platform
import re
import socket
from pathlib import Path

import pytest

from knowledge.home import log_file
from tests.tui.cli_help import Program
from tools.commands import doctor_report

OTHER = {"host": "zebrastripe", "user": "quaggafoal"}


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w.-]+", text.lower()))


def _report(program: Program) -> set[str]:
    """The words of the report, as text and as a document."""
    done = program("doctor", "--report", "--offline")
    assert done.out.startswith("# llm-advisor doctor --report")
    return _words(done.out) | _words(program("doctor", "--report", "--offline", "--json").out)


def _named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Another host and another user, in all places where programs look."""
    host, user = OTHER["host"], OTHER["user"]
    for owner, name in ((socket, "gethostname"), (platform, "node")):
        monkeypatch.setattr(owner, name, lambda: host)
    monkeypatch.setattr(getpass, "getuser", lambda: user)
    for variable in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(variable, user)
    monkeypatch.setenv("HOSTNAME", host)
    (folder / user).mkdir()
    monkeypatch.setenv("HOME", str(folder / user))
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(folder / user / host))
    log = log_file("errors")
    log.parent.mkdir(parents=True)
    log.write_text(f'Traceback (most recent call last):\n  File "/home/{user}/a.py"\nValueError: {host}\n')


def test_no_host_and_no_user_of_this_machine_is_in_it(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = {socket.gethostname(), platform.node(), getpass.getuser(), Path.home().name}
    names |= {os.environ.get(variable, "") for variable in ("USER", "LOGNAME", "HOSTNAME")}
    own = _report(program)
    _named(monkeypatch, tmp_path)
    other = _report(program)
    assert not {word for word in other for name in OTHER.values() if name in word}
    # A host may be called `linux`: what the page says of itself tells nothing.
    told = own - _words(Path(str(doctor_report.__file__)).read_text(encoding="utf-8"))
    assert not {name for name in names if name and name.lower() in told}
