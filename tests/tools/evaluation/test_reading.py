"""Rubrics from files: what is read, and how mistakes and hostile files are told."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from knowledge.errors import UsageError
from tools.evaluation.format import AssistantMessage, JudgeCheck, NumericCheck
from tools.evaluation.reading import MOST_BYTES, example_names, parse_rubric, read_rubric

HEAD = "name: x\nscenarios:\n"
ONE = HEAD + " - id: a\n   prompt: hi\n   checks:\n    - "
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


def test_both_formats_hold_the_same() -> None:
    rows = [
        {"name": "n", "system": "s", "tools": [{"name": "f"}]},
        {"id": "a", "prompt": "p", "checks": [{"exact": "e", "ignore": ["case"]}]},
        {"id": "b", "messages": [{"role": "user", "content": "u"}], "checks": [{"numeric": 5}]},
    ]
    lines = parse_rubric("\n".join(map(json.dumps, rows)), "r.jsonl")
    whole = parse_rubric(json.dumps({**rows[0], "scenarios": rows[1:]}), "r.yaml")
    assert lines == whole
    assert lines.digest == whole.digest


def test_layout_and_comments_do_not_make_another_rubric() -> None:
    one = parse_rubric(ONE + "exact: yes\n", "r.yaml")
    other = parse_rubric("# why\n" + ONE + '{exact: ["yes"]}\n', "r.yml")
    assert one.digest == other.digest
    assert one.digest != parse_rubric(ONE + "exact: Yes\n", "r.yaml").digest


def test_words_and_dates_of_yaml_stay_text() -> None:
    rubric = parse_rubric(ONE + "contains: [no, off, 2024-01-01, '5']\n", "r.yaml")
    assert rubric.scenarios[0].checks[0].contains == ("no", "off", "2024-01-01", "5")  # type: ignore[union-attr]


def test_open_turns_are_the_models() -> None:
    text = HEAD + (
        " - id: a\n   checks: [{exact: x}]\n   messages:\n    - {role: user, content: u}\n"
        "    - {role: assistant}\n    - {role: assistant, content: fixed}\n    - {role: user, content: v}\n"
    )
    scenario = parse_rubric(text, "r.yaml").scenarios[0]
    assert scenario.model_turns == 2
    last = scenario.turns()[-1]
    assert isinstance(last, AssistantMessage)
    assert last.is_open


@pytest.mark.parametrize("name", example_names())
def test_examples_hold_twenty_scenarios_with_tags(name: str) -> None:
    rubric = read_rubric(name)
    assert len(rubric.scenarios) == 20
    assert all(scenario.tags for scenario in rubric.scenarios)
    assert sum(isinstance(check, JudgeCheck) for check in rubric.every_check()) < len(
        list(rubric.every_check())
    )


MISTAKES = {
    "a misspelled check": (
        ONE + "containz: x\n",
        "line 6, scenario a: `checks[0]`",
        "instead of `containz` write `contains`",
    ),
    "two kinds in one": (ONE + "{exact: a, regex: b}\n", "line 6, scenario a", "several checks"),
    "several kinds without a list": (
        HEAD + " - {id: a, prompt: x, checks: {exact: a, regex: b}}\n",
        "line 3, scenario a: `checks`",
        "several checks (exact, regex)",
    ),
    "a check beside the prompt": (
        HEAD + " - {id: a, prompt: x, exact: y}\n",
        "scenario a: `exact`",
        "`checks: [{exact: …}]`",
    ),
    "what is expected": (
        HEAD + " - {id: a, prompt: x, expected: y}\n",
        "scenario a: `expected`",
        "`checks: [{contains: refund}]`",
    ),
    "a question": (
        HEAD + " - {id: a, question: x, checks: {exact: y}}\n",
        "scenario a: `question`",
        "is called `prompt`",
    ),
    "a check as text": (HEAD + " - {id: a, prompt: x, checks: yes}\n", "`checks`", "{contains: text}"),
    "a unit": (ONE + "{numeric: 5, tolerance: 5%}\n", "`checks[0].tolerance`", "without a unit"),
    "other words for scenarios": ("tests:\n - {prompt: x}\n", "`tests`", "is called `scenarios`"),
    "an id with spaces": (
        HEAD + " - {id: my case, prompt: x, checks: {exact: y}}\n",
        "scenario my case",
        "without spaces",
    ),
    "a text of nothing": (ONE + "contains: [a, ' ']\n", "line 3, scenario a", "white space"),
    "only punctuation": (
        ONE + "{exact: '?!', ignore: punctuation}\n",
        "scenario a",
        "'?!' holds white space",
    ),
    "nothing within a group": (
        ONE + "not: {contains: '.', ignore: punctuation}\n",
        "scenario a",
        "leaves out",
    ),
    "a tab": (HEAD + "\t- id: a\n", "line 3", "a tab"),
    "a colon": (HEAD + " - prompt: Say: yes\n", "line 3", "in quotes"),
    "a pattern in double quotes": (ONE + 'regex: "\\d"\n', "line 6", "single quotes"),
    "emphasis": (HEAD + " - prompt: *so*\n", "line 3", "begins with `*`"),
    "an open quote": (HEAD + ' - prompt: "so\n', "line 4", "not closed"),
    "a number for text": (ONE + "exact: 5\n", "line 6, scenario a: `checks[0].exact`", "in quotes"),
    "text for a number": (ONE + "numeric: five\n", "line 6, scenario a: `checks[0].numeric`", "number"),
    "a broken pattern": (ONE + "regex: '(a'\n", "`checks[0].regex`", "no regular expression"),
    "within groups": (ONE + "any: [{not: {regex: '(a'}}]\n", "`checks[0].any[0].not.regex`", "no regular"),
    "no schema": (ONE + "json_schema: {type: foo}\n", "`checks[0].json_schema`", "no JSON Schema"),
    "an unknown key": (
        HEAD + " - {id: a, promt: x, checks: [{exact: a}]}\n",
        "scenario a",
        "perhaps `prompt` is meant",
    ),
    "no check": (HEAD + " - {id: a, prompt: x}\n", "line 3, scenario a", "it has no check"),
    "an id twice": (
        HEAD + " - {id: a, prompt: x, checks: [{exact: a}]}\n" * 2,
        "line 4, scenario a",
        "already in line 3",
    ),
    "a system message": (
        HEAD + " - {id: a, messages: [{role: system, content: x}], checks: [{exact: a}]}\n",
        "`messages[0]`",
        "a key of its own: system",
    ),
    "a result without a call": (
        HEAD + " - {id: a, messages: [{role: user, content: x}, {role: tool, name: f, content: x}], "
        "checks: [{exact: a}]}\n",
        "scenario a",
        "follows no turn of the assistant",
    ),
    "checks of a fixed turn": (
        HEAD + " - {id: a, messages: [{role: user, content: x}, {role: assistant, content: y, "
        "checks: [{exact: a}]}], checks: [{exact: a}]}\n",
        "scenario a",
        "cannot have checks",
    ),
    "both prompt and messages": (
        HEAD + " - {id: a, prompt: x, messages: [{role: user, content: x}], checks: [{exact: a}]}\n",
        "scenario a",
        "either `prompt` or `messages`",
    ),
    "no scenarios": ("name: x\nscenarios: []\n", "line 2", "`scenarios` is empty"),
    "a key twice": (ONE + "{exact: a, exact: b}\n", "line 6", "stands here twice"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_with_line_scenario_and_field(case: str) -> None:
    text, place, reason = MISTAKES[case]
    with pytest.raises(UsageError) as raised:
        parse_rubric(text, "r.yaml")
    assert raised.value.message.startswith("r.yaml line ")
    assert place in raised.value.message
    assert reason in raised.value.message


HOSTILE = {
    "an object of Python": ('a: !!python/object/apply:os.system ["ls"]\n', "tag"),
    "a billion laughs": (LAUGHS, "200,000 values"),
    "an alias of itself": ("a: &a [*a]\n", "contains it"),
    "deep lists": ("[" * 50_000, "nested more than 40"),
    "deep mappings": ("".join(" " * n + "a:\n" for n in range(500)), "nested more than 40"),
    "a null byte": ("name: \0\n", "no YAML"),
    "no YAML": ("a: b: c\n", "no YAML"),
    "nothing": ("", "nothing in it"),
    "a list of words": ("- a\n", "a rubric is a mapping"),
    "a merge": ("a: {<<: {b: c}}\n", "write the keys out"),
    "a pattern of any memory": (ONE + "regex: 'a{1000000000}'\n", "too large"),
    "nested counts": (ONE + "regex: '((a{999}){999}){999}'\n", "too large"),
    "a schema from the network": (ONE + "json_schema: {$ref: 'http://127.0.0.1/x'}\n", "leads out of"),
    "a pattern in a schema": (ONE + "json_schema: {pattern: 'a{1000000}'}\n", "too large"),
    "infinity": (ONE + "numeric: .inf\n", "number"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_in_a_sentence_and_at_once(case: str) -> None:
    text, reason = HOSTILE[case]
    begun = time.process_time()
    with pytest.raises(UsageError, match=reason):
        parse_rubric(text, "r.yaml")
    assert time.process_time() - begun < 15


LINES = {
    "scenarios in the first": (
        '{"name": "x", "scenarios": []}\n{"id": "a", "prompt": "x"}',
        "line 1: .* a line of its own",
    ),
    "no JSON": ('{"name": "x"}\n{"id": ', "line 2: this is no JSON"),
    "no object": ("[1]", "line 1: each line is a JSON object"),
    "a key twice": ('{"name": "x", "name": "y"}', "`name` stands there twice"),
    "no number": ('{"name": "x"}\n{"id": "a", "prompt": "x", "checks": [{"numeric": NaN}]}', "line 2: NaN"),
    "deep": ('{"name": ' + "[" * 100_000, "nested too deeply|no JSON"),
    "a bad check": (
        '{"name": "x"}\n\n{"id": "a", "prompt": "x", "checks": [{"exact": 3}]}',
        r"line 3, scenario a: `checks\[0\].exact`",
    ),
    "empty": ("\n\n", "nothing in it"),
}


@pytest.mark.parametrize("case", LINES)
def test_mistakes_of_json_lines_have_their_line(case: str) -> None:
    text, reason = LINES[case]
    with pytest.raises(UsageError, match=reason):
        parse_rubric(text, "r.jsonl")


FIRST_TRIES = {
    "no head, no ids, one check without a list": (
        "mine.jsonl",
        '{"prompt": "x", "checks": {"exact": "a"}}\r\n{"prompt": "y", "checks": [{"exact": "b"}]}\r\n',
        ["scenario-1", "scenario-2"],
    ),
    "JSON over several lines": (
        "mine.jsonl",
        json.dumps({"scenarios": [{"id": 7, "prompt": "x", "checks": {"exact": "a"}}]}, indent=1),
        ["7"],
    ),
    "a JSON document": ("mine.json", '[{"id": "a", "prompt": "x", "checks": {"exact": "a"}}]', ["a"]),
    "JSON Lines called JSON": (
        "mine.json",
        '{"prompt": "x", "checks": {"exact": "a"}}\n{"id": "b", "prompt": "y", "checks": {"exact": "b"}}',
        ["scenario-1", "b"],
    ),
    "one scenario": ("mine.yaml", "prompt: x\nchecks:\n  - exact: a\n", ["scenario-1"]),
    "a list": (
        "mine.yaml",
        "- {id: a, prompt: x, checks: {exact: a}}\n- {prompt: y, checks: {exact: b}}\n",
        ["a", "scenario-2"],
    ),
    "Windows' line ends": (
        "mine.yaml",
        "scenarios:\r\n  - prompt: x\r\n    checks: {exact: a}\r\n",
        ["scenario-1"],
    ),
}


@pytest.mark.parametrize("case", FIRST_TRIES)
def test_what_can_mean_one_thing_only_is_read(case: str) -> None:
    name, text, ids = FIRST_TRIES[case]
    rubric = parse_rubric(text, name)
    assert (rubric.name, [scenario.id for scenario in rubric.scenarios]) == ("mine", ids)
    assert rubric.scenarios[0].prompt == "x"
    assert all(len(scenario.checks) == 1 for scenario in rubric.scenarios)


def test_numbers_in_quotes_are_numbers_where_numbers_stand() -> None:
    text = "{prompt: x, tags: hard, max_tokens: '50', checks: {numeric: '-5.5', tolerance: '1'}}"
    scenario = parse_rubric(text, "r.yaml").scenarios[0]
    assert (scenario.tags, scenario.max_tokens) == (("hard",), 50)
    check = scenario.checks[0]
    assert isinstance(check, NumericCheck)
    assert (check.numeric, check.tolerance) == (-5.5, 1)


def test_the_line_is_that_of_the_mistake_in_files_of_any_shape() -> None:
    for text, line in (("- prompt: x\n- promt: y\n", 2), ("prompt: x\nid: a\nchecks: [{exakt: a}]\n", 3)):
        with pytest.raises(UsageError, match=f"r.yaml line {line}, scenario"):
            parse_rubric(text, "r.yaml")


def test_the_first_line_may_be_a_scenario() -> None:
    rubric = parse_rubric('{"id": "a", "prompt": "x", "checks": [{"exact": "a"}]}', "mine.jsonl")
    assert (rubric.name, [scenario.id for scenario in rubric.scenarios]) == ("mine", ["a"])


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name, data, reason in (
        ("missing.yaml", None, "cannot be read"),
        ("r.txt", b"name: x", "neither YAML nor JSON Lines"),
        ("r.csv", b"prompt,expected", "r.csv is a table"),
        ("folder", None, "is a folder"),
        ("r.yaml", b"name: \xff\xfe", "not in UTF-8"),
        ("big.yaml", b"#" * (MOST_BYTES + 1), "larger than 4 MB"),
    ):
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(UsageError, match=reason):
            read_rubric(str(tmp_path / name))
    for given, reason in (
        ("nothing", "no example `nothing`, and no file"),
        ("some/where", "where cannot be read"),
        ("a" * 4000, "cannot be read"),
        ("~nobody-here/r.yaml", "cannot be read"),
    ):
        with pytest.raises(UsageError, match=reason):
            read_rubric(given)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"\xef\xbb\xbf" + (ONE + "exact: x\n").encode())
    assert read_rubric(str(tmp_path / "r.yaml")).name == "x"


def test_a_file_of_windows_in_utf_16_is_read(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes((ONE + "exact: é\n").replace("\n", "\r\n").encode("utf-16"))
    assert read_rubric(str(tmp_path / "r.yaml")).scenarios[0].checks[0].exact == ("é",)  # type: ignore[union-attr]
