"""What each kind of check takes for right, and what hostile answers do to it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tools.evaluation import patterns
from tools.evaluation.answers import Call, Turn, Verdict
from tools.evaluation.checks import findings, json_in, judge_checks, numbers_in
from tools.evaluation.format import Check

CHECK: TypeAdapter[Check] = TypeAdapter(Check)
PERSON = {
    "type": "object",
    "properties": {"name": {"const": "Ann"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def holds(
    check: dict[str, Any], text: str = "", *calls: Call, verdicts: dict[str, Verdict] | None = None
) -> bool:
    rows = findings((CHECK.validate_python(check),), Turn(text, calls), verdicts or {}, "checks")
    assert all(row.passed or row.why for row in rows)
    return all(row.passed for row in rows)


TEXTS: list[tuple[dict[str, Any], str, bool]] = [
    ({"exact": "billing"}, " billing\n", True),
    ({"exact": "billing"}, "Billing", False),
    ({"exact": "billing", "ignore": "case"}, "BILLING", True),
    ({"exact": "billing", "ignore": ["case", "punctuation"]}, "**Billing.**", True),
    ({"exact": ["a", "b"]}, "b", True),
    ({"exact": "two words"}, "two\n  words", True),
    ({"exact": "caf\u00e9"}, "cafe\u0301", True),
    ({"exact": "x"}, "", False),
    ({"contains": ["refund", "14 days"]}, "A refund within 14\ndays.", True),
    ({"contains": ["refund", "fee"]}, "A refund.", False),
    ({"contains": "STRASSE", "ignore": "case"}, "Die Straße", True),
    ({"regex": r"^\d{4}$"}, "2024", True),
    ({"regex": "(?i)two weeks"}, "in Two Weeks", True),
    ({"regex": "^b"}, "a\nb", False),
    ({"regex": "^caf\u00e9$"}, "cafe\u0301", True),
    ({"regex": "^cafe\u0301$"}, "caf\u00e9", True),
    ({"contains": "cafe\u0301"}, "the caf\u00e9", True),
    ({"json_schema": {"const": {"caf\u00e9": "cre\u0300me"}}}, '{"cafe\u0301": "cr\u00e8me"}', True),
    ({"numeric": 119}, "So it is 100 + 19 = 119.", True),
    ({"numeric": 119, "which": "first"}, "So it is 100 + 19 = 119.", False),
    ({"numeric": 19, "which": "any"}, "So it is 100 + 19 = 119.", True),
    ({"numeric": 1234.5}, "about $1,234.50", True),
    ({"numeric": 1234.5, "decimal": ","}, "1.234,50 Euro", True),
    ({"numeric": 0.3}, "0.30000000000000004", True),
    ({"numeric": 10, "tolerance": 0.5}, "10.5", True),
    ({"numeric": 10, "tolerance": 0.5}, "10.6", False),
    ({"numeric": 200, "relative": 0.05}, "209", True),
    ({"numeric": 200, "relative": 0.05}, "211", False),
    ({"numeric": -5}, "it is \u22125 degrees", True),
    ({"numeric": 1500}, "1.5e3", True),
    ({"numeric": 3}, "none", False),
    ({"json_schema": PERSON}, '{"name": "Ann", "age": 3}', True),
    ({"json_schema": PERSON}, 'Here:\n```json\n{"name": "Ann", "age": 3}\n```\nDone.', True),
    ({"json_schema": PERSON, "only": True}, '```json\n{"name": "Ann", "age": 3}\n```', False),
    ({"json_schema": PERSON}, 'It is {"name": "Ann", "age": 3}, I think.', True),
    ({"json_schema": PERSON}, '{"name": "Bob", "age": 3}', False),
    ({"json_schema": PERSON}, '{"name": "Ann", "age": 3, "more": 1}', False),
    ({"json_schema": PERSON}, '{"name": "Ann", "age": NaN}', False),
    ({"json_schema": PERSON}, "no JSON", False),
    ({"json_schema": PERSON}, 'As {"a": 1} in [1] says: {"name": "Ann", "age": 3}. See [2].', True),
    ({"json_schema": PERSON}, '{"name": "Ann", "age": 3}, not {"name": "Bob", "age": 4, "more": 5}', False),
    ({"json_schema": PERSON}, '```json\n{"a": 1}\n```\nSo:\n```json\n{"name": "Ann", "age": 3}\n```', True),
    ({"json_schema": PERSON}, "[x] " * 400 + '{"name": "Ann", "age": 3}', True),
    ({"json_schema": {"const": {"a": 2}}}, 'First {"a": 1}, then {"a": 2}', True),
    ({"json_schema": {"type": "array", "items": {"pattern": "^a+$"}}}, '["aa", "b"]', False),
    ({"all": [{"contains": "a"}, {"contains": "b"}]}, "a b", True),
    ({"all": [{"contains": "a"}, {"contains": "b"}]}, "a", False),
    ({"any": [{"contains": "a"}, {"all": [{"contains": "b"}, {"contains": "c"}]}]}, "b", False),
    ({"any": [{"contains": "a"}, {"all": [{"contains": "b"}, {"contains": "c"}]}]}, "b c", True),
    ({"not": {"contains": "sorry", "ignore": "case"}}, "Sorry!", False),
    ({"not": {"all": [{"contains": "a"}, {"contains": "b"}]}}, "a", True),
]


@pytest.mark.parametrize(("check", "text", "expected"), TEXTS)
def test_a_check_of_text(check: dict[str, Any], text: str, expected: bool) -> None:
    assert holds(check, text) is expected


ORDER = Call("order", {"number": "48213", "count": 2, "gift": False})
CALLS: list[tuple[dict[str, Any], tuple[Call, ...], bool]] = [
    ({"tool_call": "order"}, (ORDER,), True),
    ({"tool_call": ["find", "order"]}, (ORDER,), True),
    ({"tool_call": "*"}, (ORDER,), True),
    ({"tool_call": "find"}, (ORDER,), False),
    ({"tool_call": "order"}, (), False),
    ({"not": {"tool_call": "*"}}, (), True),
    ({"tool_call": "order", "arguments": {"number": "48213"}}, (ORDER,), True),
    ({"tool_call": "order", "arguments": {"number": 48213}}, (ORDER,), False),
    ({"tool_call": "f", "arguments": {"a": "caf\u00e9"}}, (Call("f", {"a": "cafe\u0301"}),), True),
    ({"tool_call": "order", "arguments": {"count": 2.0}}, (ORDER,), True),
    ({"tool_call": "order", "arguments": {"gift": 0}}, (ORDER,), False),
    ({"tool_call": "order", "arguments": {"missing": 1}}, (ORDER,), False),
    ({"tool_call": "order", "arguments": {"count": 2}, "only": True}, (ORDER,), False),
    ({"tool_call": "order", "only": True}, (ORDER, ORDER), False),
    ({"tool_call": "order", "arguments_schema": {"required": ["number"]}}, (ORDER,), True),
    ({"tool_call": "order", "arguments_schema": {"required": ["date"]}}, (ORDER,), False),
    ({"tool_call": "order"}, (Call("order", None),), False),
    ({"tool_call": "order", "arguments": {"count": 2}}, (Call("order", {}), ORDER), True),
]


@pytest.mark.parametrize(("check", "calls", "expected"), CALLS)
def test_a_check_of_tool_calls(check: dict[str, Any], calls: tuple[Call, ...], expected: bool) -> None:
    assert holds(check, "", *calls) is expected


def test_a_judges_verdict_is_found_by_its_place_in_groups() -> None:
    check = {"any": [{"contains": "x"}, {"all": [{"judge": "good"}, {"not": {"judge": "bad"}}]}]}
    places = [place for place, _ in judge_checks((CHECK.validate_python(check),), "checks")]
    assert places == ["checks[0].any[1].all[0]", "checks[0].any[1].all[1].not[0]"]
    good, bad = places
    assert holds(check, "", verdicts={good: Verdict(True), bad: Verdict(False)})
    assert not holds(check, "", verdicts={good: Verdict(True), bad: Verdict(True)})
    assert not holds({"judge": "good"}, "", verdicts={})


SLOW = {"regex": "^(a|aa)+$"}
ENDLESS = "a" * 200 + "b"
UNDECIDED: list[tuple[dict[str, Any], str]] = [
    (SLOW, "took longer"),
    ({"not": SLOW}, "it cannot be told: the pattern took longer"),
    ({"not": {"not": SLOW}}, "took longer"),
    ({"any": [{"contains": "x"}, SLOW]}, "took longer"),
    ({"not": {"any": [{"contains": "x"}, SLOW]}}, "took longer"),
    ({"not": {"all": [{"contains": "a"}, SLOW]}}, "took longer"),
    ({"not": {"json_schema": {"pattern": SLOW["regex"]}}}, "took longer"),
    ({"judge": "good"}, "it was not judged"),
    ({"not": {"judge": "good"}}, "it cannot be told: it was not judged"),
]


@pytest.mark.parametrize(("check", "why"), UNDECIDED, ids=range(len(UNDECIDED)))
def test_what_cannot_be_decided_passes_neither_way(
    check: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)
    text = json.dumps(ENDLESS) if "json" in str(check) else ENDLESS
    (row,) = findings((CHECK.validate_python(check),), Turn(text), {}, "checks")
    assert row.passed is None
    assert why in row.why


def test_what_is_not_known_does_not_matter_where_the_rest_decides() -> None:
    assert holds({"any": [{"contains": "a"}, {"judge": "good"}]}, "a")
    assert holds({"not": {"all": [{"contains": "x"}, {"judge": "good"}]}}, "a")
    (row,) = findings(
        (CHECK.validate_python({"all": [{"any": [{"contains": "x"}]}]}),), Turn("a"), {}, "checks"
    )
    assert row.passed is False


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"regex": r"^(a|aa)+$"}, "a" * 200 + "b"),
    ({"regex": r"^(([a-z])+.)+[A-Z]([a-z])+$"}, "a" * 5_000),
    ({"json_schema": {"type": "string", "pattern": r"^(a|aa)+$"}}, '"' + "a" * 200 + 'b"'),
    (
        {"json_schema": {"patternProperties": {r"^(a|aa)+$": {}}, "additionalProperties": False}},
        '{"%sb": 1}' % ("a" * 200),
    ),
    ({"json_schema": {}}, "[" * 100_000),
    ({"json_schema": {"$ref": "#"}}, "{}"),
    ({"json_schema": {"type": "number"}}, "9" * 100_000),
    ({"numeric": 1}, "1," * 100_000),
    ({"numeric": 1}, "9" * 100_000),
    ({"contains": "x"}, "\0\x1b[31m" * 10_000),
]


@pytest.mark.parametrize(("check", "text"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_answer_takes_no_time_and_passes_nothing_it_should_not(
    check: dict[str, Any], text: str
) -> None:
    begun = time.process_time()
    holds(check, text)
    assert time.process_time() - begun < 15


@given(st.text(max_size=300))
def test_no_text_breaks_a_check(text: str) -> None:
    checks: list[dict[str, Any]] = [{"numeric": 1}, {"json_schema": {}}, {"exact": "x", "ignore": "case"}]
    for check in checks:
        holds(check, text)
    assert all(isinstance(value, float) for value in numbers_in(text))


@given(st.integers(-(10**12), 10**12), st.sampled_from(["{}", "{:,}", "about {}.", "({:,})", "= {};"]))
def test_a_whole_number_is_read_as_it_was_written(number: int, words: str) -> None:
    assert numbers_in(words.format(number)) == [float(number)]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_json_is_found_as_it_was_written(value: Any) -> None:
    assert json_in(f"Here it is:\n```json\n{json.dumps(value)}\n```") == value
