"""`chat --plain` with a scripted session."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.events import Branch, Event, Failure, Message, Question, Recommendation, Status, ToolCall
from knowledge.errors import NoAnswerError
from tests.tui.cli_help import FakeSession
from tests.tui.fakes import RECOMMENDATION
from tools.guides.showing import ShowQuery, show_passage
from tui.plain import run

BOXES = {chr(code) for code in range(0x2500, 0x2600)}


def talk(
    session: FakeSession, stdin: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))

    async def opened() -> FakeSession:
        return session

    assert run(opened) == 0
    assert session.closed
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_shows_who_speaks_and_what_was_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession(
        lambda _: [
            Status("thinking"),
            Message("**Hello** [guide](x.md#a)", [{"kind": "guide", "source": "g", "locator": "x.md#a:1-2"}]),
        ]
    )
    out, err = talk(session, b"hi there\n", capsys, monkeypatch)
    assert out == "You: hi there\nAdvisor: Hello guide (x.md#a)\n  [1] x.md#a:1-2\n"
    assert "/recommend" in err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("2", "a laptop"), ("3", "3"), ("a laptop", "a laptop"), ("0", "0"), ("12 GB", "12 GB")],
)
def test_a_number_picks_an_option(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession(
        lambda _: [Question("hardware", "Which machine?", "It decides.", ["a server", "a laptop"])]
    )
    out, _ = talk(session, f"start\n{typed}\n".encode(), capsys, monkeypatch)
    assert session.said == ["start", meant]
    assert "Advisor: Which machine?\n  Why I ask: It decides.\n  1. a server\n  2. a laptop\n" in out


def test_an_option_that_is_a_number_means_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession(lambda _: [Question("concurrency", "How many?", "", ["2", "1"])])
    talk(session, b"start\n1\n", capsys, monkeypatch)
    assert session.said == ["start", "1"]


def test_commands(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    session = FakeSession()
    out, _ = talk(session, b"/help\n/nonsense\n\n/recommend\n/quit\nnever read\n", capsys, monkeypatch)
    assert session.said == ["(recommend)"]
    assert "There is no command /nonsense." in out


def test_a_source_is_opened_by_its_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    passage = show_passage(ShowQuery(passage="quantization.md:107"))
    cited = [
        {
            "kind": "guide",
            "source": "Quantization",
            "locator": "quantization.md#x:107-107",
            "quote": "The KV",
        },
        {"kind": "tool", "source": "estimate_memory", "locator": "weights + cache"},
    ]

    class Opening(FakeSession):
        def passage(self, locator: str, quote: str = "") -> dict[str, Any] | None:
            return passage if (locator, quote) == ("quantization.md#x:107-107", "The KV") else None

    said = b"/source 1\nhello\n/source 1\n/source 2\n/source 3\n"
    out, _ = talk(Opening(lambda _: [Message("Yes [1].", cited)]), said, capsys, monkeypatch)
    assert "The last answer has no sources." in out
    assert "  [1] quantization.md#x:107-107\n  [2] weights + cache\n" in out
    assert "\u25b6 107  The KV cache can be quantized" in out
    assert "\n  105  ### KV cache types" in out
    assert "[2] tool: estimate_memory; weights + cache" in out
    assert "/source takes a number: 1 to 2." in out


def test_an_error_is_told_and_the_conversation_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path))
    answers: dict[str, Event | Exception] = {
        "a": NoAnswerError("No such thing.", hint="Try b."),
        "b": RuntimeError("boom"),
        "c": Failure("x", "Lost.", ""),
    }
    session = FakeSession(lambda text: [answers.get(text, Message("fine"))])
    out, err = talk(session, b"a\nb\nc\nd\n", capsys, monkeypatch)
    assert "Error: No such thing.\nHint: Try b.\n" in err
    assert "Something went wrong inside the advisor (RuntimeError)." in err
    assert "Error: Lost." in err
    assert "Traceback" not in err
    assert out.endswith("Advisor: fine\n")


def test_tools_are_named_and_a_recommendation_is_lines_without_boxes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {
        "needs": {},
        "assumptions": [],
        "candidates": [
            {
                "rank": 1,
                "model": "M [x] 8B",
                "kind": "local",
                "quant": "Q4_K_M",
                "engine": "ollama",
                "context": 8192,
                "memory": {"total_bytes": 5 << 30, "available_bytes": 8 << 30},
                "license": {"id": "mit", "commercial_use": "yes"},
                "why": [{"text": "It fits.", "evidence": [{"kind": "tool", "source": "memory"}]}],
                "commands": [{"label": "run", "shell": "ollama run m"}],
            }
        ],
        "rejected": [],
        "would_change": [{"if": "more memory", "then": "a larger one"}],
    }
    session = FakeSession(lambda _: [ToolCall("fit_model", {}, {}, 0.25), Recommendation(document)])
    out, err = talk(session, b"go\n", capsys, monkeypatch)
    assert "(fit_model, 0.2 s)" in err
    assert "1. M [x] 8B" in out
    assert "  - memory: 5.0 of 8.0 GiB" in out
    assert "    ollama run m\n" in out
    assert "  - If more memory: a larger one" in out
    assert not BOXES & set(out)


def test_a_decision_in_words_is_told_once_and_each_option_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    worded = Message("I recommend the first.", [{"kind": "guide", "source": "g", "locator": "x.md#a:1-2"}])
    session = FakeSession(lambda _: [Recommendation(RECOMMENDATION), worded])
    typed = b"go\n/option 2\n/source 1\n/option 9\n/option x\n"
    out, _ = talk(session, typed, capsys, monkeypatch)
    told, asked = out.split("You: /option 2")
    assert told.count("Qwen2.5-Coder-14B-Instruct") == 0
    assert "I recommend the first." in told
    assert "ollama run qwen2.5-coder:14b" in told
    assert "2. DeepSeek-Coder-V2-Lite" in asked
    assert "[1] benchmark: LiveCodeBench v6, 2026-08-01" in asked  # the source of the option, not the message
    assert asked.count("/option takes a number from 1 to 3.") == 2


def test_an_option_before_any_decision(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _ = talk(FakeSession(), b"/option 1\n", capsys, monkeypatch)
    assert "There is no recommendation yet." in out


def test_nothing_that_fits_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {
        "candidates": [],
        "rejected": [{"model": "M", "reason": "too large", "constraint": "memory"}],
        "error": {"code": "nothing_fits", "message": "Nothing fits.", "hint": "More memory."},
    }
    out, err = talk(FakeSession(lambda _: [Recommendation(document)]), b"go\n", capsys, monkeypatch)
    assert "  - M: too large" in out
    assert "Error: Nothing fits.\nHint: More memory.\n" in err


@pytest.mark.parametrize("line", [b"\xff\xfe bytes", b"[/b] \x1b[31mred\x1b[0m \x00", b"x" * 200_000])
def test_any_line_is_survived_and_shown_without_controls(
    line: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession(lambda text: [Message(text)])
    out, _ = talk(session, line + b"\n", capsys, monkeypatch)
    assert len(session.said) == 1
    assert "\x1b" not in out
    assert "\x00" not in out


def test_commands_go_back_and_aside(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession(lambda text: [Branch("big card", ["big card"]), Message(f"heard {text}")])
    lines = b"/undo\n/branch big card\n/branch\n/return\n/undo now\n/redo\n"
    out, _ = talk(session, lines, capsys, monkeypatch)
    assert session.said == ["(undo)", "(branch big card)", "(return)"]
    assert "Branches: big card. Give a branch a name" in out
    assert "/undo stands alone" in out
    assert "There is no command /redo" in out


def test_export_writes_what_was_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = b"hello\n/export a.html\n/export json\n/export no/x.md\n"
    out, err = talk(FakeSession(), lines, capsys, monkeypatch)
    assert "written to" in out
    assert "hello" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert len(list(tmp_path.glob("llm-advisor-test-*.json"))) == 1
    assert "cannot be written" in err
