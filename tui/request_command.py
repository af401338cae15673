"""Turns a request model into a command: options, `--stdin`, JSON or text, exit status.

The options come from the model's fields, and the model reads their values: the command line, the JSON lines
and the tools of a language model accept the same things and complain in the same words.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import click
from pydantic.fields import FieldInfo

from knowledge.errors import AdvisorError, UsageError
from tools.commands.requests import Request, parse
from tui.invocation import common_options, invocation
from tui.json_requests import answer_lines
from tui.output import write_error, write_json, write_lines, write_note

R = TypeVar("R", bound=Request)
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Face(Generic[R]):
    """How one kind of request looks on the command line."""

    name: str
    request: type[R]
    answer: Callable[[R], Document]
    show: Callable[[Document, bool], Iterable[str]]
    """Lines for a person; the flag is `--why`."""
    help: str
    positional: str | None = None
    """The field given by position."""
    second: str | None = None
    """The field given by position after it."""
    many: bool = False
    """The position takes several words: a list of names, or the words of one text."""
    joined: bool = False
    """Several words are one text."""
    why: bool = True
    """Has `--why`."""
    stdin: bool = True
    """Has `--stdin`."""
    failed: Callable[[Document], bool] = lambda document: "error" in document
    """Whether a document that was answered ends with exit status 1."""
    status: Callable[[Document], int] | None = None
    """Exit status of a document, where there are more than 0 and 1."""
    expect: Callable[[Sequence[R]], None] | None = None
    """Told the requests of `--stdin` that are already there before the first of them is answered."""


def request_command(face: Face[R]) -> click.Command:
    """The click command of a face."""

    def run(**given: object) -> int:
        ctx = click.get_current_context()
        asked = invocation(ctx)
        why, lines = bool(given.pop("why", False)), bool(given.pop("stdin", False))
        values = _values(face, given)

        def answer(request: Mapping[str, object]) -> Document:
            # What a library prints must not end up among the answers.
            with contextlib.redirect_stdout(sys.stderr):
                return face.answer(parse(face.request, {**values, **request}))

        def expect(requests: Sequence[Mapping[str, object]]) -> None:
            assert face.expect is not None
            face.expect(list(_sound(face.request, values, requests)))

        if lines:
            if not asked.as_json:
                raise UsageError("`--stdin` reads and writes JSON lines.", hint="Add `--json`.")
            return answer_lines(answer, None if face.expect is None else expect)
        document = answer({})
        if asked.as_json:
            write_json(document)
        else:
            _show(face, document, why)
        if face.status is not None:
            return face.status(document)
        return 1 if face.failed(document) else 0

    return click.Command(face.name, callback=run, params=_params(face), help=face.help)


def _sound(
    request: type[R], values: Mapping[str, object], given: Iterable[Mapping[str, object]]
) -> Iterator[R]:
    for one in given:
        # A bad one gets its error line when it is answered.
        with contextlib.suppress(AdvisorError):
            yield parse(request, {**values, **one})


def _show(face: Face[R], document: Document, why: bool) -> None:
    if document.get("note"):
        write_note(document["note"])
    write_lines(face.show(document, why))
    if "error" in document:
        write_error(document["error"])


def _values(face: Face[R], given: Mapping[str, object]) -> dict[str, object]:
    """The keys that the person gave."""
    values = {key: value for key, value in given.items() if value not in (None, False, ())}
    if face.positional and face.joined and face.positional in values:
        words = values[face.positional]
        assert isinstance(words, tuple)
        values[face.positional] = " ".join(words)
    return values


def _params(face: Face[R]) -> list[click.Parameter]:
    params: list[click.Parameter] = []
    for name, field in face.request.model_fields.items():
        if name == face.positional:
            params.append(click.Argument([name], required=False, nargs=-1 if face.many else 1))
        elif name == face.second:
            params.append(click.Argument([name], required=False))
        else:
            params.append(_option(name, field))
    if face.why:
        params.append(click.Option(["--why"], is_flag=True, help="Show formulas and sources at length."))
    if face.stdin:
        params.append(
            click.Option(
                ["--stdin"],
                is_flag=True,
                help="With --json: answer JSON lines; options given here hold for all of them.",
            )
        )
    return params + common_options()


def _option(name: str, field: FieldInfo) -> click.Option:
    flag = field.default is False
    several = field.default == ()
    short = ["-k"] if name == "k" else ["--" + name.replace("_", "-")]
    return click.Option(
        [*short, name],
        multiple=several,
        is_flag=flag or None,  # False would let click take a negative number for an option
        help=_help(field),
        metavar=None if flag else _metavar(name, field),
    )


def _help(field: FieldInfo) -> str:
    """The field's description as a sentence, with its default."""
    text = (field.description or "") + _default_text(field)
    return text[:1].upper() + text[1:] + "."


def _metavar(name: str, field: FieldInfo) -> str:
    if field.default is True:
        return "on|off"
    extra = field.json_schema_extra
    if isinstance(extra, dict) and isinstance(extra.get("metavar"), str):
        return str(extra["metavar"])
    return "N" if "int" in str(field.annotation) or "float" in str(field.annotation) else "TEXT"


def _default_text(field: FieldInfo) -> str:
    if field.default is True:
        return " (default on)"
    if field.default in (None, False, ()) or field.is_required():
        return ""
    return f" (default {field.default})"
