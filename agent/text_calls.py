"""Tool calls that a model writes into its answer, in the forms of the families that do so.

Servers leave them in the text where a model's template is not the one they expect
(https://github.com/ollama/ollama/issues/13519). A call counts where the whole answer is one, or where a mark
of a template stands before it that nobody writes to a person.
"""

from __future__ import annotations

import ast
import json
import re
import secrets
from collections.abc import Collection, Iterator
from typing import Any

from agent.tool_repair import meant
from tools.model_calls.loose_json import read_object
from tools.model_calls.stream import Call

MOST_CALLS = 6
MOST_TRIED = 60
"""Brackets at which an object may begin."""
MARK = re.compile(
    r"</?(?:tool_calls?|function_calls?|toolcall|invoke|tools?|parameter)\b|<function\b|</function>"
    r"|\[/?(?:TOOL_CALLS|ARGS|TOOL_RESULTS|AVAILABLE_TOOLS)\]|<\|?/?[a-z]\w*\|>|<\uff5c[^<>\uff5c]{1,40}\uff5c>",
    re.IGNORECASE,
)
"""Tokens of chat templates: `<tool_call>`, `[TOOL_CALLS]`, `<|python_tag|>`, and those of DeepSeek."""
_FENCED = re.compile(r"```[\w-]*\s*(.*?)\s*```", re.DOTALL)
_FUNCTION = re.compile(
    r"<function[=\s]+(?:name=)?[\"']?(?P<name>[\w.-]+)[\"']?\s*>(?P<body>.*?)(?=</function>|<function\b|\Z)",
    re.DOTALL,
)
_PARAMETER = re.compile(
    r"<parameter[=\s]+(?:name=)?[\"']?(?P<name>[\w.-]+)[\"']?\s*>\s*(?P<value>.*?)\s*(?=</parameter>|<parameter\b|\Z)",
    re.DOTALL,
)
_DECODER = json.JSONDecoder()


def text_calls(text: str, known: Collection[str]) -> list[Call]:
    """The calls of known tools that an answer is; empty where it is an answer."""
    body = text.strip()
    mark = MARK.search(body)
    if mark is not None:
        found = list(_marked(body[mark.start() :], tuple(known)))
    else:
        fenced = _FENCED.fullmatch(body)
        found = _whole(fenced[1] if fenced is not None else body, tuple(known))
    return found[:MOST_CALLS]


def is_call_like(text: str) -> bool:
    """Whether an answer is no word to a person but a call that cannot be read, or one of an unknown tool."""
    body = text.strip()
    if MARK.search(body) is not None:
        return True
    fenced = _FENCED.fullmatch(body)
    try:
        value = json.loads(fenced[1] if fenced is not None else body)
    except (ValueError, RecursionError):
        return False
    rows = value if isinstance(value, list) else [value]
    return any(isinstance(row, dict) and _named(row)[1] is not None for row in rows)


def may_be_call(text: str) -> bool:
    """Whether an answer that begins so may be a tool call; it is not shown before that is known."""
    begun = text.lstrip()
    if not begun or begun[0] in "{[<" or begun.startswith("```"):
        return True
    return (
        "```".startswith(begun) or re.fullmatch(r"[a-z]+(?:_[a-z]*)+(?:\(.*)?", begun, re.DOTALL) is not None
    )


def _marked(body: str, known: tuple[str, ...]) -> Iterator[Call]:
    """Calls behind a mark: named by the tag, by the object, or by the last known name before the object."""
    functions = list(_FUNCTION.finditer(body))
    for match in functions:
        name = meant(match["name"], known)
        parameters = {m["name"]: m["value"] for m in _PARAMETER.finditer(match["body"])}
        if name in known:
            yield _call(name, parameters or _object(match["body"]))
    if functions:
        return
    before = 0
    for start, end, value in _objects(body):
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            if not isinstance(row, dict):
                continue
            name, arguments = _named(row)
            if meant(name, known) in known:
                yield _call(meant(name, known), arguments)
            elif name == "" and (told := _last_named(body[before:start], known)):
                yield _call(told, row)
        before = end
    if before == 0:
        bare = MARK.sub(" ", body).strip()
        yield from _whole(bare, known)


def _whole(body: str, known: tuple[str, ...]) -> list[Call]:
    """The calls that a text is from its beginning to its end: JSON, a list of it, or a call in Python."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return _python(body, known)
    if isinstance(value, dict):
        name, arguments = _named(value)
        return [_call(meant(name, known), arguments)] if meant(name, known) in known else []
    rows = value if isinstance(value, list) else []
    named = [_named(row) if isinstance(row, dict) else ("", None) for row in rows]
    if not all(meant(name, known) in known and arguments is not None for name, arguments in named):
        return []
    return [_call(meant(name, known), arguments) for name, arguments in named]


def _python(body: str, known: tuple[str, ...]) -> list[Call]:
    """`search_guides(query="cache")`, alone or as a list."""
    if "(" not in body or len(body) > 4_000:
        return []
    try:
        tree = ast.parse(body.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return []
    nodes = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
    calls = []
    for node in nodes:
        if not isinstance(node, ast.Call) or node.args or not isinstance(node.func, ast.Name | ast.Attribute):
            return []
        name = meant(node.func.id if isinstance(node.func, ast.Name) else node.func.attr, known)
        try:
            arguments = {one.arg: ast.literal_eval(one.value) for one in node.keywords if one.arg}
            calls.append(_call(name, json.loads(json.dumps(arguments))))
        except (ValueError, TypeError):
            return []
    return calls if all(call.name in known for call in calls) else []


def _named(row: dict[str, Any]) -> tuple[str, Any]:
    """Name and arguments of an object, in the spellings that there are; None where it has no arguments."""
    inner = row.get("function")
    if isinstance(inner, dict):
        row = inner
    name = next(
        (row[key] for key in ("name", "tool", "tool_name", "function") if isinstance(row.get(key), str)), ""
    )
    keys = ("arguments", "parameters", "args", "input")
    return name, next((row[key] for key in keys if key in row), None) if name else None


def _objects(body: str) -> Iterator[tuple[int, int, Any]]:
    """The JSON objects and lists of a text with their places, outermost ones only."""
    place = tried = 0
    while tried < MOST_TRIED and (begin := re.search(r"[{\[]", body[place:])) is not None:
        start = place + begin.start()
        tried += 1
        try:
            value, end = _DECODER.raw_decode(body, start)
        except (ValueError, RecursionError):
            place = start + 1
            continue
        yield start, end, value
        place = end


def _last_named(text: str, known: tuple[str, ...]) -> str:
    words = [meant(word, known) for word in re.findall(r"[\w.-]+", text)]
    return next((word for word in reversed(words) if word in known), "")


def _object(text: str) -> dict[str, Any]:
    try:
        return read_object(text)
    except ValueError:
        return {}


def _call(name: str, arguments: Any) -> Call:  # noqa: ANN401 - any JSON value
    written = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
    return Call(f"call_{secrets.token_hex(6)}", name, written)
