"""The command line's frame: which command runs, errors, exit statuses, logs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.errors import NoAnswerError, ServiceError, UsageError
from tests.tui.cli_help import Program
from tui.cli import COMMANDS, group, with_default_command


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], ["chat"]),
        (["--plain"], ["chat", "--plain"]),
        (["--json"], ["--json", "chat"]),
        (["--offline", "--json", "--session", "x"], ["--offline", "--json", "chat", "--session", "x"]),
        (["--json", "memory", "x"], ["--json", "memory", "x"]),
        (["--help"], ["--help"]),
        (["--version"], ["--version"]),
        (["memory", "--plain"], ["memory", "--plain"]),
    ],
)
def test_chat_is_the_default_command(argv: list[str], expected: list[str]) -> None:
    assert with_default_command(argv) == expected


def test_help_names_every_command_and_the_exit_statuses(program: Program) -> None:
    outcome = program("--help")
    assert outcome.status == 0
    assert all(f"\n  {name} " in outcome.out for name in COMMANDS)
    assert "130 interrupted" in " ".join(outcome.out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_takes_json_and_offline(program: Program, name: str) -> None:
    outcome = program(name, "--help")
    assert outcome.status == 0
    assert "--json" in outcome.out
    assert "--offline" in outcome.out
    assert outcome.err == ""


@pytest.mark.parametrize(
    "argv", [("--json", "gpus", "list"), ("gpus", "--json", "list"), ("gpus", "list", "--json")]
)
def test_common_options_may_stand_before_or_after_any_command(
    program: Program, argv: tuple[str, ...]
) -> None:
    outcome = program("--offline", *argv)
    assert outcome.status == 0
    assert outcome.document["count"] > 0


def test_version(program: Program) -> None:
    outcome = program("--version")
    assert (outcome.status, outcome.out.split()[0]) == (0, "llm-advisor")


def test_unknown_command_offers_the_nearest(program: Program) -> None:
    outcome = program("memry", "x")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == "Error: There is no command `memry`.\nHint: Did you mean `memory`?\n"


def test_unknown_option_is_wrong_usage_also_as_json(program: Program) -> None:
    outcome = program("memory", "--colour", "x", "--json")
    assert outcome.status == 2
    assert outcome.document["error"]["code"] == "usage"
    assert "--help" in outcome.document["error"]["hint"]
    assert outcome.err == ""


def test_json_after_a_double_dash_is_a_word(program: Program) -> None:
    outcome = program("memry", "--", "--json")
    assert (outcome.status, outcome.out) == (2, "")


@pytest.mark.parametrize(
    ("error", "status"), [(UsageError("u"), 2), (NoAnswerError("n"), 1), (ServiceError("s", hint="h"), 3)]
)
def test_each_kind_of_error_has_its_exit_status(
    program: Program, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("tui.cli.group", fail)
    assert program("gpus").status == status
    outcome = program("gpus", "--json")
    assert outcome.document == {"error": error.as_json()}  # type: ignore[attr-defined]


def test_an_unexpected_error_is_one_sentence_and_goes_into_the_log(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr("tui.cli.group", fail)
    outcome = program("gpus")
    assert outcome.status == 1
    assert "Traceback" not in outcome.err + outcome.out
    assert "Something went wrong inside the advisor (ZeroDivisionError)." in " ".join(outcome.err.split())
    log = (tmp_path / "home/logs/errors.log").read_text()
    assert "ZeroDivisionError: deep inside" in log


def test_an_unexpected_error_survives_a_state_folder_that_cannot_be_written(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tui.cli.group", fail)
    outcome = program("gpus", "--json")
    assert outcome.status == 1
    assert outcome.document["error"]["code"] == "internal"
    assert "could not be written" in outcome.document["error"]["hint"]


def test_ctrl_c_is_130(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tui.cli.group", interrupt)
    assert program("gpus").status == 130


def test_group_imports_nothing_to_list_its_commands() -> None:
    assert list(group().table) == list(COMMANDS)


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=60,
    )


def _loaded(argv: list[str], modules: list[str], home: Path) -> list[str]:
    """Which of the modules one call imports."""
    code = (
        "import sys, json, io\nfrom tui.cli import main\nout, sys.stdout = sys.stdout, io.StringIO()\n"
        f"status = main({argv!r})\nsys.stdout = out\n"
        f"print(json.dumps([status, [m for m in {modules!r} if m in sys.modules]]))"
    )
    result = _python(code, LLM_ADVISOR_HOME=str(home))
    assert result.returncode == 0, result.stderr
    status, found = json.loads(result.stdout)
    assert status == 0, result.stderr
    return list(found)


HEAVY = ["litellm", "torch", "sentence_transformers", "chromadb", "langgraph", "textual", "transformers"]


def test_help_imports_click_and_nothing_heavier(tmp_path: Path) -> None:
    assert _loaded(["--help"], [*HEAVY, "pydantic", "numpy", "platformdirs"], tmp_path) == []


def test_a_closed_reader_is_no_error(tmp_path: Path) -> None:
    code = (
        "import os, sys\nread, write = os.pipe()\nos.close(read)\nos.dup2(write, 1)\n"
        "from tui.cli import main\nsys.exit(main(['--help']))"
    )
    result = _python(code, LLM_ADVISOR_HOME=str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")


def test_output_is_utf8_with_bare_line_feeds_in_any_locale(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tui.cli", "grüße", "--json"],
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "LLM_ADVISOR_HOME": str(tmp_path)},
        timeout=60,
    )
    assert result.returncode == 2
    assert b"\r" not in result.stdout
    assert "error" in json.loads(result.stdout.decode("utf-8"))
