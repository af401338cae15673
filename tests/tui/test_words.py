"""Figures, needs and signs in words; the history of inputs; the log."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import ServiceError
from tests.tui.fakes import ASSUMPTIONS, NEEDS, slot
from tui import glyphs as signs
from tui import themes
from tui.console import start_log
from tui.glyphs import ASCII, UNICODE, wants_ascii
from tui.history import InputHistory
from tui.log_view import tail
from tui.needs_view import hardware_words, read_needs, value_words
from tui.plaintext import clean, gib, shorten, speed, tokens, usd
from tui.screens.help import help_text
from tui.turns import describe


@given(st.text())
def test_cleaned_text_has_no_control_characters(text: str) -> None:
    cleaned = clean(text)
    assert not [char for char in cleaned if char != "\n" and (ord(char) < 32 or 127 <= ord(char) < 160)]
    cleaned.encode("utf-8")
    assert clean(cleaned) == cleaned


def test_escape_sequences_go_whole() -> None:
    assert clean("a\x1b[1;31mred\x1b[0m\x1b]8;;http://x\x1b\\link") == "aredlink"


def test_ascii_replaces_typographic_signs_but_no_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signs, "_current", ASCII)
    assert clean("a → b … 日本 ä") == "a -> b ... 日本 ä"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (True, "unknown"),
        (0, "0.0 GiB"),
        (8 * 2**30, "8.0 GiB"),
        (1500 * 2**30, "1,500 GiB"),
    ],
)
def test_gib(value: object, text: str) -> None:
    assert gib(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (16384, "16k"),
        (1000, "1,000"),
        (32000, "32k"),
        (131072, "128k"),
        (1048576, "1M"),
        (2000000, "2M"),
        (700, "700"),
        ("x", "unknown"),
    ],
)
def test_tokens(value: object, text: str) -> None:
    assert tokens(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"low": 24, "mid": 28, "high": 31}, "24-31 tok/s"),
        ({"low": 3.21, "high": 3.24}, "3.2 tok/s"),
        ({"mid": 12}, "12 tok/s"),
        ({}, "unknown"),
        (None, "unknown"),
    ],
)
def test_speed(value: object, text: str) -> None:
    assert speed(value) == text


def test_small_words() -> None:
    assert usd(3.5) == "$3.50"
    assert usd(1234) == "$1,234"
    assert shorten("a  b\nc", 20) == "a b c"
    assert shorten("abcdefghij", 6) == "abc..."


def test_needs_are_read_in_order_with_where_they_came_from() -> None:
    rows = read_needs(NEEDS, [*ASSUMPTIONS, {"slot": "hardware", "value": "DDR4", "why": "not said"}])
    assert [(row.slot, row.origin) for row in rows] == [
        ("task", "said"),
        ("hardware", "said"),
        ("license", "said"),
        ("hardware", "assumed"),
        ("context", "assumed"),
        ("languages", "assumed"),
    ]
    assert rows[0].detail == "a coding assistant"
    assert rows[4].value == "16k tokens"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("context", 32768, "32k tokens"),
        ("min_speed", 20.0, "at least 20 tok/s"),
        ("budget", {"usd_per_month": 50.0, "usd_once": None}, "$50.00 a month"),
        (
            "deployment",
            {"mode": "local", "private": True, "offline": False, "server": True},
            "local, private, server",
        ),
        ("languages", ["en", "de"], "en, de"),
        ("features", ["tool_calling"], "tool calling"),
        ("training", {"method": "none", "sequence_length": None}, "no training"),
        ("license", {"use": "commercial", "permissive_only": True}, "commercial, permissive only"),
        ("dataset", {"examples": 5000, "labeled": True}, "5,000 examples, labeled"),
        ("model", {"named": ["a/b"], "excluded": ["c"]}, "a/b, not c"),
        ("priority", None, "unknown"),
    ],
)
def test_slot_values_in_words(name: str, value: object, text: str) -> None:
    assert value_words(name, value) == text


def test_hardware_line() -> None:
    assert hardware_words({}) == ("", "")
    assert hardware_words({"hardware": slot({"text": "M2"}, source="detected")}) == ("M2", "this machine")
    assumed = [{"slot": "hardware", "value": "a common laptop", "why": "nothing was said"}]
    assert hardware_words({}, assumed) == ("a common laptop", "assumed")


@pytest.mark.parametrize(
    ("environment", "encoding", "ascii_wanted"),
    [
        ({}, "UTF-8", False),
        ({}, "ANSI_X3.4-1968", True),
        ({"LLM_ADVISOR_ASCII": "1"}, "utf8", True),
        ({"LLM_ADVISOR_ASCII": "0"}, "latin1", False),
        ({"TERM": "linux"}, "utf-8", True),
    ],
)
def test_when_ascii_is_used(environment: dict[str, str], encoding: str, ascii_wanted: bool) -> None:
    assert wants_ascii(environment, encoding) is ascii_wanted


@pytest.mark.parametrize(
    ("environment", "ascii_wanted"),
    [
        ({"LC_ALL": "POSIX"}, True),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),  # as Python itself has it after a start with LANG=C
        ({"LC_CTYPE": "C.UTF-8"}, False),  # nothing was set: a container
        ({"LANG": "de_DE.UTF-8"}, False),
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, False),
    ],
)
def test_a_posix_locale_asked_for_by_name_gets_ascii(
    environment: dict[str, str], ascii_wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda _: "utf-8")
    assert wants_ascii(environment) is ascii_wanted


def test_ascii_signs_are_ascii_and_parts_of_a_bar_differ() -> None:
    for name in ASCII.__slots__:
        assert "".join(getattr(ASCII, name)).isascii()
    assert len(set(ASCII.bar)) == len(set(UNICODE.bar)) == 5


def test_light_terminals_get_the_light_theme() -> None:
    assert themes.first_theme({"COLORFGBG": "0;15"}) == themes.LIGHT.name
    assert themes.first_theme({"COLORFGBG": "15;0"}) == themes.first_theme({}) == themes.DARK.name


def test_history_survives_damage_and_forgets_nothing_typed_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "history.jsonl"
    first = InputHistory(path)
    first.add("one\ntwo")
    first.save("one\ntwo")
    with path.open("ab") as file:
        file.write(b'\xff\xfe broken\n{"not": "text"}\n')
    second = InputHistory(path)
    second.add("typed before it was loaded")
    second.load()
    assert second.older("") == "typed before it was loaded"
    assert second.older("") == "one\ntwo"
    assert second.older("") is None


def test_history_in_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    history = InputHistory(blocked / "history.jsonl")
    history.save("text")
    history.load()
    assert history.older("") is None


def test_log_goes_to_the_file_and_its_end_is_shown(tmp_path: Path) -> None:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    opened: list[logging.Handler] = []
    try:
        path = start_log(tmp_path / "logs" / "tui.log")
        assert path is not None
        opened.extend(root.handlers)
        logging.getLogger("llm_advisor.tui").info("started [/x]")
        assert "started [/x]" in tail(path)
        (tmp_path / "file").write_text("")
        assert start_log(tmp_path / "file" / "tui.log") is None
        assert tail(None) == ""
    finally:
        for handler in opened:
            handler.close()
        root.handlers = before
        root.setLevel(level)


def test_help_puts_the_topic_first_and_names_every_section() -> None:
    text = help_text("Needs")
    assert (
        text.index("## Needs")
        < text.index("## Typing")
        < text.index("## Questions")
        < text.index("## Answers")
    )


def test_errors_in_words() -> None:
    failure = describe(ServiceError("Ollama is down.", hint="Start it."))
    assert (failure.code, failure.message, failure.hint) == ("service", "Ollama is down.", "Start it.")
    assert "KeyError" in describe(KeyError("secret")).message
    assert "secret" not in describe(KeyError("secret")).message
