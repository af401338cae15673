"""`models refresh` on the command line: text, JSON, the question, --yes, --drop, exit status."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
import pytest

from knowledge.catalog.overlay import EMPTY, load_overlay
from knowledge.catalog.store import forget_added
from knowledge.today import DAY_VARIABLE
from tests.fakes.hub import FakeHub
from tests.tools.refresh.test_hub_rows import NAME, publish
from tests.tui.cli_help import Program

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
CALL = ("models", "refresh", "--only", "hub", "--models", "qwen3-8b")


@pytest.fixture(autouse=True)
def hub(program: Program, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that says another window of one model."""
    monkeypatch.setenv(DAY_VARIABLE, "2027-01-03")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    forget_added()
    with FakeHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        publish(server, {"max_position_embeddings": 65536})
        yield server
    monkeypatch.undo()
    forget_added()


def test_without_a_terminal_and_without_yes_nothing_is_taken(program: Program) -> None:
    done = program(*CALL)
    assert done.status == 0
    assert NAME in done.out
    assert "context length: 40,960 -> 65,536" in done.out
    assert "--yes takes it" in done.out
    assert load_overlay() == EMPTY
    document = program(*CALL, "--json").document
    assert (document["taken"], document["count"]) == (False, 1)
    assert load_overlay() == EMPTY


def test_yes_takes_it_and_drop_brings_the_bundled_back(program: Program) -> None:
    assert "Taken on 2027-01-03" in program(*CALL, "--yes").out
    shown = program("models", "show", "qwen3-8b").out
    assert "Refreshed on 2027-01-03 from" in shown
    assert "context length: 65,536; bundled: 40,960" in " ".join(shown.split())
    assert "Nothing differs" in program(*CALL).out
    assert "Forgot what was refreshed of 1 models" in program("models", "refresh", "--drop").out
    assert "Nothing was refreshed" in program("models", "refresh", "--drop").out
    assert program("models", "show", "qwen3-8b", "--json").document["context_length"] == 40960


@pytest.mark.parametrize("answer", [True, False])
def test_at_a_terminal_it_asks(program: Program, monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    asked = []

    def confirm(text: str, **_: object) -> bool:
        asked.append(text)
        return answer

    monkeypatch.setattr(click, "confirm", confirm)
    monkeypatch.setattr("tui.command_refresh.sys", FakeSystem)
    done = program(*CALL)
    assert asked == ["Take these changes?"]
    assert ("Taken on" in done.out) is answer
    assert (load_overlay() != EMPTY) is answer


@pytest.mark.parametrize("answer", ["yes", "no", "all"])
def test_where_not_all_is_shown_all_can_be_had_first(
    program: Program, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr("tui.refresh_text.SHOWN", 0)
    monkeypatch.setattr(click, "prompt", lambda *_, **__: answer)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: True)
    monkeypatch.setattr("tui.command_refresh.sys", FakeSystem)
    done = program(*CALL)
    assert "1 more; --why shows them all" in " ".join(done.out.split())
    assert ("40,960 -> 65,536" in done.out) is (answer == "all")
    assert (load_overlay() == EMPTY) is (answer == "no")


def test_where_nothing_differs_only_the_day_is_noted(program: Program, hub: FakeHub) -> None:
    publish(hub)
    assert "--yes notes that they are as of 2027-01-03." in program(*CALL).out
    assert "Noted: what was asked for is as of 2027-01-03." in program(*CALL, "--yes").out
    assert load_overlay().checked == {NAME: "2027-01-03"}
    assert "Noted" not in program(*CALL, "--yes").out


class FakeSystem:
    """A terminal to type at."""

    class stdin:  # noqa: N801 - as sys names it
        """Where somebody sits."""

        @staticmethod
        def isatty() -> bool:
            return True

    stderr = sys.stderr


def test_errors_have_their_exit_status(program: Program, hub: FakeHub) -> None:
    refused = program(*CALL, "--offline", "--json")
    assert (refused.status, refused.document["error"]["code"]) == (2, "usage")
    assert not hub.asked
    assert program("models", "refresh", "--only", "rumors").status == 2
    assert program("models", "refresh", "--models", "no-such-model-99b").status == 1
    hub.status = 502
    gone = program(*CALL, "--json")
    assert (gone.status, gone.document["error"]["code"]) == (3, "service")


def test_help_tells_of_the_network(program: Program) -> None:
    words = " ".join(program("models", "refresh", "--help").out.split())
    for part in (
        "HF_ENDPOINT",
        "raw.githubusercontent.com",
        "--offline refuses",
        "LITELLM_MODEL_COST_MAP_URL",
    ):
        assert part in words


def test_a_hostile_license_never_reaches_the_terminal(program: Program, hub: FakeHub) -> None:
    publish(hub, license="mit\x1b[2J")
    out = program(*CALL).out
    assert "\x1b" not in out
    assert "no license's name" in " ".join(out.split())
