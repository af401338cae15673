"""Reads a rubric from a file; what is wrong is said with file, line, scenario and field."""

from __future__ import annotations

import contextlib
import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from knowledge.errors import UsageError
from tools.commands.requests import reason_of
from tools.evaluation.first_tries import Lines, not_one_kind, unknown_key, whole_file
from tools.evaluation.format import KINDS, Check, ContainsCheck, ExactCheck, Rubric, Scenario, Tool, flat
from tools.evaluation.texts import plain
from tools.evaluation.yaml_reading import YamlError, read_yaml

MOST_BYTES = 4_000_000
MOST_SHOWN = 3
"""Mistakes that are told at once."""
YAML, LINES, JSON = (".yaml", ".yml"), (".jsonl", ".ndjson"), (".json",)
TABLES = (".csv", ".tsv", ".xls", ".xlsx", ".ods")
ONE_LINE = '{"id": "refund", "prompt": "Where is my refund?", "checks": [{"contains": "refund"}]}'
SEE = "docs/evaluate.md describes the format; `--copy-to FILE` writes an example to start from."
TEXTS = frozenset({"exact", "contains", "tool_call", "judge", "ignore"})
"""Fields that take one text or several."""
KEYS = tuple(dict.fromkeys([*Scenario.model_fields, *Rubric.model_fields, *Tool.model_fields]))
MISSING: Any = object()


def example_names() -> tuple[str, ...]:
    """The rubrics that ship with the program."""
    folder = resources.files("tools.evaluation").joinpath("rubrics")
    return tuple(
        sorted(each.name[: -len(".yaml")] for each in folder.iterdir() if each.name.endswith(".yaml"))
    )


def example_text(name: str) -> str:
    """The file of an example.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in example_names():
        raise UsageError(
            f"There is no example `{name[:60]}`, and no file of that name.",
            hint=f"Examples: {', '.join(example_names())}. A file's name ends in .yaml or .jsonl.",
        )
    folder = resources.files("tools.evaluation").joinpath("rubrics")
    return folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def read_rubric(given: str) -> Rubric:
    """The rubric of a file, or the example of that name.

    Raises:
        UsageError: the file cannot be read, or is no rubric.
    """
    path = path_of(given)
    try:
        is_example = path.name == given and not path.suffix and not path.exists()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if is_example:
        return parse_rubric(example_text(given), f"{given}.yaml")
    return parse_rubric(_text_of(path), path.name)


def path_of(given: str) -> Path:
    """A path as a shell takes it: `~` is the home folder, and one of a person who is unknown stays."""
    try:
        return Path(given).expanduser()
    except RuntimeError:
        return Path(given)


def _unreadable(path: Path, error: Exception) -> UsageError:
    reason = getattr(error, "strerror", None) or str(error)[:120].rstrip(".")
    return UsageError(
        f"{path.name[:120]} cannot be read: {reason}.",
        hint=f"Name a file, or one of the examples: {', '.join(example_names())}.",
    )


def _text_of(path: Path) -> str:
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", hint="Name a file in it that ends in .yaml or .jsonl.")
    if path.exists() and path.suffix.lower() not in (*YAML, *LINES, *JSON):
        raise _wrong_format(path.name)
    try:
        if path.is_file() and path.stat().st_size > MOST_BYTES:
            raise UsageError(
                f"{path.name} is larger than {MOST_BYTES // 1_000_000} MB.", hint="Split the rubric."
            )
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error) from None
    if len(data) > MOST_BYTES:
        raise UsageError(
            f"{path.name} is larger than {MOST_BYTES // 1_000_000} MB.", hint="Split the rubric."
        )
    try:
        # Windows' editors and shells write UTF-16 with its mark.
        return data.decode("utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not in UTF-8.", hint="Save it as UTF-8 text.") from None


def _wrong_format(name: str) -> UsageError:
    if Path(name).suffix.lower() in TABLES:
        return UsageError(
            f"{name} is a table, and a rubric is YAML or JSON Lines.",
            hint=f"Write each row as a line of a .jsonl file: {ONE_LINE}",
        )
    return UsageError(
        f"{name} is neither YAML nor JSON Lines.", hint="Its name ends in .yaml, .yml, .jsonl or .json."
    )


def parse_rubric(text: str, name: str) -> Rubric:
    """The rubric of a text.

    Args:
        text: the file.
        name: of the file; its ending tells the format.

    Raises:
        UsageError: it is no rubric; the first mistakes are named.
    """
    ending = Path(name).suffix.lower()
    value: Any
    lines: Lines
    if ending in (*LINES, *JSON):
        value, lines = _json(text, name, lines_first=ending in LINES)
    elif ending in YAML:
        try:
            read = read_yaml(text)
        except YamlError as error:
            raise UsageError(f"{_place(name, error.line)}: {error.message}.", hint=SEE) from None
        value, lines = read.value, read.lines
    else:
        raise _wrong_format(name)
    found = whole_file(value, lines, name)
    if found is None:
        raise UsageError(
            f"{_place(name, 1)}: a rubric is a mapping with `name` and `scenarios`, or a list of scenarios.",
            hint=SEE,
        )
    value, lines = found
    try:
        rubric = Rubric.model_validate(value)
    except ValidationError as error:
        raise _mistakes(error.errors(include_url=False), value, lines, name) from None
    except RecursionError:
        raise UsageError(f"{name}: checks are nested too deeply.", hint=SEE) from None
    _check_whole(rubric, lines, name)
    return rubric


def _json(text: str, name: str, *, lines_first: bool) -> tuple[Any, Lines]:
    """A file of JSON Lines, or of one JSON document; what its name says is tried first, and told of."""
    try:
        return _json_lines(text, name) if lines_first else _json_document(text, name)
    except UsageError as mistake:
        with contextlib.suppress(UsageError):
            return _json_document(text, name) if lines_first else _json_lines(text, name)
        raise mistake from None


def _json_document(text: str, name: str) -> tuple[dict[str, Any] | list[Any], Lines]:
    """The whole text as one value; in which lines its parts stand is not known."""
    value = _json_value(text, name, 1)
    rows = value if isinstance(value, list) else [value]
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{name}: a rubric is an object, or a list of scenarios.", hint=SEE)
    return value, {}


def _json_lines(text: str, name: str) -> tuple[dict[str, Any], dict[tuple[str | int, ...], int]]:
    """The first line may be the rubric without its scenarios; every other line is a scenario."""
    head: dict[str, Any] | None = None
    scenarios: list[Any] = []
    lines: dict[tuple[str | int, ...], int] = {(): 1}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        value = _json_value(line, name, number)
        if not isinstance(value, dict):
            raise UsageError(f"{_place(name, number)}: each line is a JSON object.", hint=SEE)
        if head is None and "prompt" not in value and "messages" not in value:
            head = value
            lines |= {(key,): number for key in value}
        else:
            head = {} if head is None else head
            lines[("scenarios", len(scenarios))] = number
            scenarios.append(value)
    if head is None:
        raise UsageError(f"{_place(name, 1)}: there is nothing in it.", hint=SEE)
    if "scenarios" in head:
        raise UsageError(
            f"{_place(name, lines[('scenarios',)])}: in JSON Lines each scenario has a line of its own.",
            hint=SEE,
        )
    return {**head, "scenarios": scenarios}, lines


def _json_value(text: str, name: str, number: int) -> Any:  # noqa: ANN401 - anything that JSON can hold
    """The value of a text that begins in line `number` of the file."""

    def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"`{twice[:60]}` stands there twice")
        return dict(pairs)

    def no_number(word: str) -> Any:  # noqa: ANN401 - never returns
        raise ValueError(f"{word} is no number of JSON")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=no_number)
    except json.JSONDecodeError as error:
        place = _place(name, number + error.lineno - 1)
        raise UsageError(f"{place}: this is no JSON: {error.msg}.", hint=f"A scenario: {ONE_LINE}") from None
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise UsageError(f"{_place(name, number)}: {reason}.", hint=SEE) from None


def _mistakes(errors: Sequence[ErrorDetails], value: Any, lines: Lines, name: str) -> UsageError:  # noqa: ANN401
    """The first mistakes of a file, in its order."""
    told: list[tuple[int, str]] = []
    for error in errors:
        if error["type"] == "too_short" and error["input"]:
            continue  # its items are wrong, which has an error of its own
        path, field = _walked(error["loc"], value)
        line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), None)
        sentence = f"{_place(name, line)}{_scenario(path, value)}: {_reason(error, field)}"
        if all(sentence != other for _, other in told):
            told.append((line or 0, sentence))
    told.sort(key=lambda each: each[0])
    more = f" And {len(told) - MOST_SHOWN} more." if len(told) > MOST_SHOWN else ""
    return UsageError("\n".join(f"{text}." for _, text in told[:MOST_SHOWN]) + more, hint=SEE)


def _walked(loc: tuple[int | str, ...], value: Any) -> tuple[tuple[str | int, ...], str]:  # noqa: ANN401
    """The place in the file and the field's name, without the names of kinds that pydantic puts between."""
    path: list[str | int] = []
    at = value
    for place, part in enumerate(loc):
        if isinstance(at, dict) and isinstance(part, str):
            inner = at.get(part, MISSING) if not _is_kind(loc, place, at) else MISSING
        else:
            is_place = isinstance(at, list) and isinstance(part, int) and part < len(at)
            inner = at[part] if is_place else MISSING
        if inner is not MISSING:
            path.append(part)
            at = inner
        elif place == len(loc) - 1 and isinstance(part, str):
            return tuple(path), _field([*path, part])
    return tuple(path), _field(path)


def _is_kind(loc: tuple[int | str, ...], place: int, at: Mapping[str, Any]) -> bool:
    """Whether a part names the kind of a check: there a field of the check comes after it."""
    following = loc[place + 1] if place + 1 < len(loc) else None
    return loc[place] in KINDS and isinstance(following, str) and (following == loc[place] or following in at)


def _field(path: Sequence[str | int]) -> str:
    """`checks[0].regex`: the place within the scenario, or within the file outside of scenarios."""
    inner = path[2:] if len(path) >= 2 and path[0] == "scenarios" else path
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in inner)
    return text.lstrip(".")


def _scenario(path: tuple[str | int, ...], value: Any) -> str:  # noqa: ANN401 - anything that a file holds
    if len(path) < 2 or path[0] != "scenarios" or not isinstance(path[1], int):
        return ""
    row = value["scenarios"][path[1]]
    given = row.get("id") if isinstance(row, dict) else None
    shown = given[:80] if isinstance(given, str) else f"number {path[1] + 1}"
    return f", scenario {shown}"


def _reason(error: ErrorDetails, field: str) -> str:
    kind = error["type"]
    where = f"`{field}` " if field else ""
    if kind == "extra_forbidden":
        return f"`{field}` is no key that is known here{unknown_key(_last(field), KINDS, KEYS)}"
    if kind == "missing":
        return f"`{field}` is missing"
    if kind == "too_short":
        return f"{where}is empty"
    if kind == "tuple_type":
        several = "text (numbers and words such as true in quotes) or a list of texts"
        return f"{where}should be {several if _last(field) in TEXTS else 'a list'}"
    if kind in ("float_type", "int_type"):
        return f"{where}should be a number such as 1234.5, without a unit"
    if kind == "string_pattern_mismatch" and field == "id":
        return "`id` holds letters, digits and . _ : / - only, without spaces"
    if kind in ("string_type", "string_sub_type"):
        return f"{where}should be text (numbers and words such as true in quotes)"
    if kind == "check_kind":
        return f"{where}{not_one_kind(error['input'], KINDS)}"
    if kind == "message_role":
        return f"{where}is wrong: {error['msg']}"
    return f"{where}{reason_of(error)}"


def _last(field: str) -> str:
    return field.rpartition(".")[2]


def _check_whole(rubric: Rubric, lines: Lines, name: str) -> None:
    """What no part tells alone: ids that stand twice, checks that are missing or check nothing."""
    _check_texts(flat(rubric.checks), _place(name, lines.get(("checks",))))
    first: dict[str, int | None] = {}
    for place, scenario in enumerate(rubric.scenarios):
        line = lines.get(("scenarios", place))
        if scenario.id in first:
            before = first[scenario.id]
            where = f" in line {before}" if before is not None else ""
            raise UsageError(
                f"{_place(name, line)}, scenario {scenario.id}: this id stands already{where}.",
                hint="Each scenario has an id of its own.",
            )
        first[scenario.id] = line
        if not rubric.checks and not any(True for _ in scenario.every_check()):
            raise UsageError(
                f"{_place(name, line)}, scenario {scenario.id}: it has no check, and the rubric "
                "has none for all.",
                hint="Say what a passing answer is, for example `checks: [{contains: refund}]`. " + SEE,
            )
        _check_texts(scenario.every_check(), f"{_place(name, line)}, scenario {scenario.id}")


def _check_texts(checks: Iterable[Check], where: str) -> None:
    """Refuses texts of which nothing is left to compare: every answer would contain them."""
    for check in checks:
        if isinstance(check, ExactCheck | ContainsCheck):
            texts = check.exact if isinstance(check, ExactCheck) else check.contains
            if empty := [text for text in texts if not plain(text, check.ignore)]:
                raise UsageError(
                    f"{where}: {empty[0][:40]!r} holds white space or punctuation only, which this check "
                    "leaves out.",
                    hint="Leave out `ignore: punctuation`, or use `regex`.",
                )


def _place(name: str, line: int | None) -> str:
    return f"{name} line {line}" if line is not None else name
