"""Calls that models write into their answers."""

from __future__ import annotations

import json

import pytest

from agent.text_calls import is_call_like, may_be_call, text_calls

TOOLS = ("search_guides", "estimate_memory")
QUERY = {"query": "q"}
CALL = json.dumps({"name": "search_guides", "arguments": QUERY})
ARGUMENTS = json.dumps(QUERY)
BAR, LINE = "\uff5c", "\u2581"


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f" \n{json.dumps({'name': 'search_guides', 'parameters': QUERY})}\n",
        f"```json\n{CALL}\n```",
        '```\n{"name": "search_guides", "arguments": "{\\"query\\": \\"q\\"}"}\n```',
        f"<tool_call>\n{CALL}\n</tool_call>",
        f"<tool_call>\n{CALL}",
        f"Let me look that up.\n\n<tool_call>\n{CALL}\n</tool_call>",
        '{"type": "function", "function": {"name": "search_guides", "arguments": {"query": "q"}}}',
        '{"tool": "searchGuides", "arguments": {"query": "q"}}',
        f"[{CALL}]",
        f"[TOOL_CALLS] [{CALL}]",
        f"[TOOL_CALLS]search_guides[ARGS]{ARGUMENTS}",
        f"<|python_tag|>{json.dumps({'name': 'search_guides', 'parameters': QUERY})}",
        '<|python_tag|>search_guides(query="q")',
        f"<function=search_guides>{ARGUMENTS}</function>",
        "<tool_call>\n<function=search_guides>\n<parameter=query>\nq\n</parameter>\n</function>\n</tool_call>",
        '[search_guides(query="q")]',
        '```tool_code\nsearch_guides(query="q")\n```',
        f"<{BAR}tool{LINE}call{LINE}begin{BAR}>function<{BAR}tool{LINE}sep{BAR}>search_guides\n"
        f"```json\n{ARGUMENTS}\n```<{BAR}tool{LINE}call{LINE}end{BAR}>",
        f"<|channel|>commentary to=functions.search_guides <|constrain|>json<|message|>{ARGUMENTS}",
        f"<|tool_call|>[{CALL}]<|/tool_call|>",
    ],
)
def test_a_call_written_as_text_is_recognized(text: str) -> None:
    (call,) = text_calls(text, TOOLS)
    assert (call.name, call.read()) == ("search_guides", QUERY)
    assert is_call_like(text) or may_be_call(text)


def test_several_calls_are_all_found() -> None:
    other = json.dumps({"name": "estimate_memory", "arguments": {"model": "m"}})
    for text in (f"<tool_call>{CALL}</tool_call>\n<tool_call>{other}</tool_call>", f"[{CALL}, {other}]"):
        assert [call.name for call in text_calls(text, TOOLS)] == ["search_guides", "estimate_memory"]
    assert len(text_calls(f"[TOOL_CALLS] [{', '.join([CALL] * 40)}]", TOOLS)) == 6


@pytest.mark.parametrize(
    "text",
    [
        'I would call {"name": "search_guides", "arguments": {}}',
        '{"name": "search_guides", "arguments": {}} and then?',
        '{"name": "delete_everything", "arguments": {}}',
        '[{"name": "search_guides"}]',
        '<tool_call>{"name": "delete_everything", "arguments": {}}</tool_call>',
        'search_guides(query=open("x").read())',
        'delete_everything(path="x")',
        '{"query": "q"}',
        "[1, 2]",
        "{",
        "",
        "42",
    ],
)
def test_anything_else_is_no_call(text: str) -> None:
    assert text_calls(text, TOOLS) == []


def test_what_never_ends_is_no_call_and_takes_no_time() -> None:
    for text in ("[" * 20_000, "<tool_call>" * 2_000 + "[" * 5_000, "<function=a>" * 2_000):
        assert text_calls(text, TOOLS) == []


def test_a_call_that_cannot_be_read_is_no_answer_either() -> None:
    for text in ('{"name": "rm", "arguments": {}}', "<tool_call>{", "[TOOL_CALLS]", "<|python_tag|>x"):
        assert is_call_like(text)
    for text in ("{this is no call}", '{"name": "Qwen"}', "It halves the cache [1].", "2 < 3, 5 > 4", ""):
        assert not is_call_like(text)


def test_an_answer_is_shown_as_soon_as_it_cannot_be_a_call() -> None:
    for held in ("", "  ", "`", CALL, "[TOOL", "<", "search_gu"):
        assert may_be_call(held)
    for shown in ("The", "`q8_0`", "I [1]"):
        assert not may_be_call(shown)
