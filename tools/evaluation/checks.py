"""Whether an answer meets the checks of a rubric.

A check holds, does not hold, or cannot be decided: a pattern ran out of time, a judge was not asked. What
cannot be decided never passes, under `not` neither.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.evaluation.answers import Finding, Turn, Verdict
from tools.evaluation.format import (
    AllCheck,
    AnyCheck,
    Check,
    ContainsCheck,
    ExactCheck,
    JsonSchemaCheck,
    JudgeCheck,
    NotCheck,
    NumericCheck,
    RegexCheck,
    ToolCallCheck,
    flat,
)
from tools.evaluation.patterns import SlowPatternError, found
from tools.evaluation.schemas import misfit
from tools.evaluation.texts import composed, plain

MOST_CHARACTERS = 200_000
"""Of an answer that are looked at."""
MOST_BRACKETS = 1_000
"""At which JSON is looked for between words."""
SHOWN = 80
MOST_REASONS = 300
"""Characters of what is said of a group."""
_NUMBER = re.compile(r"(?<![\w.,])[-+\u2212]?(?:\d[\d.,\u00a0\u202f']*\d|\d|[.,]\d+)(?:[eE][-+]?\d{1,3})?")
_FENCE = re.compile(r"```[\w-]*\s*\n(.*?)```", re.DOTALL)
_BRACKET = re.compile(r"[{\[]")
Outcome = tuple[bool | None, str]
"""Whether a check holds (None where that cannot be decided), and what is wrong where it does not."""
GROUPS = frozenset({"all", "any", "not"})


def opened(checks: Sequence[Check], place: str) -> Iterator[tuple[str, Check]]:
    """The checks with their places; `all` groups are opened, since all have to hold anyway."""
    for at, check in enumerate(checks):
        here = f"{place}[{at}]"
        if isinstance(check, AllCheck):
            yield from opened(check.all, f"{here}.all")
        else:
            yield here, check


def judge_checks(checks: Sequence[Check], place: str) -> Iterator[tuple[str, JudgeCheck]]:
    """Every judge check with its place, in whatever group."""
    for here, check in opened(checks, place):
        if isinstance(check, JudgeCheck):
            yield here, check
        elif isinstance(check, AnyCheck):
            # Not opened, as `_group` goes through them: `any` holds where one whole `all` does.
            yield from judge_checks(check.any, f"{here}.any")
        elif isinstance(check, NotCheck):
            yield from judge_checks((check.not_,), f"{here}.not")


def kind_of(check: Check) -> str:
    """The key that a check has in the file."""
    return "not" if isinstance(check, NotCheck) else next(iter(type(check).model_fields))


def findings(
    checks: Sequence[Check], turn: Turn, verdicts: Mapping[str, Verdict], place: str
) -> list[Finding]:
    """What the checks of one turn find.

    Args:
        checks: all have to hold.
        turn: the model's answer.
        verdicts: of the judge, by the place of the check.
        place: where the checks stand.
    """
    rows = []
    for here, check in opened(checks, place):
        passed, why = _outcome(check, turn, verdicts, here)
        leaves = frozenset(map(kind_of, flat((check,)))) - GROUPS
        rows.append(Finding(here, kind_of(check), leaves, passed, "" if passed else why))
    return rows


def _outcome(check: Check, turn: Turn, verdicts: Mapping[str, Verdict], place: str) -> Outcome:
    if isinstance(check, AllCheck | AnyCheck | NotCheck):
        return _group(check, turn, verdicts, place)
    if isinstance(check, JudgeCheck):
        verdict = verdicts.get(place)
        return (verdict.passed, verdict.why) if verdict is not None else (None, "it was not judged")
    try:
        return _simple(check, turn)
    except SlowPatternError as error:
        return None, str(error)


def _group(
    check: AllCheck | AnyCheck | NotCheck, turn: Turn, verdicts: Mapping[str, Verdict], place: str
) -> Outcome:
    if isinstance(check, NotCheck):
        inner = findings((check.not_,), turn, verdicts, f"{place}.not")
        held = _least([row.passed for row in inner])
        if held is None:
            return None, "it cannot be told: " + _reasons([row.why for row in inner if row.passed is None])
        return not held, f"what must not hold does: {_told(check.not_)}"
    if isinstance(check, AnyCheck):
        each = [_outcome(one, turn, verdicts, f"{place}.any[{at}]") for at, one in enumerate(check.any)]
        found_any = [passed for passed, _ in each]
        held = True if True in found_any else None if None in found_any else False
        return held, "none of them: " + _reasons([why for _, why in each])
    rows = findings(check.all, turn, verdicts, f"{place}.all")
    return _least([row.passed for row in rows]), _reasons([row.why for row in rows if not row.passed])


def _least(found_all: Sequence[bool | None]) -> bool | None:
    """Whether all hold: one that does not decides it, whatever is not known of the others."""
    return False if False in found_all else None if None in found_all else True


def _reasons(texts: Sequence[str]) -> str:
    return "; ".join(texts)[:MOST_REASONS]


def _told(check: Check) -> str:
    text = json.dumps(check.model_dump(mode="json", by_alias=True, exclude_defaults=True), ensure_ascii=False)
    return _short(text)


def _simple(check: Check, turn: Turn) -> Outcome:
    text = composed(turn.text[:MOST_CHARACTERS])
    if isinstance(check, ExactCheck):
        answer = plain(text, check.ignore)
        wanted = " or ".join(repr(_short(one)) for one in check.exact)
        return any(answer == plain(one, check.ignore) for one in check.exact), f"{_seen(turn)}, not {wanted}"
    if isinstance(check, ContainsCheck):
        answer = plain(text, check.ignore)
        missing = [one for one in check.contains if plain(one, check.ignore) not in answer]
        return not missing, "it does not contain " + ", ".join(repr(_short(one)) for one in missing)
    if isinstance(check, RegexCheck):
        return found(check.regex, text), f"{_short(check.regex)!r} is not found in it"
    if isinstance(check, NumericCheck):
        return _numeric(check, text)
    if isinstance(check, JsonSchemaCheck):
        return _json_schema(check, text)
    assert isinstance(check, ToolCallCheck)
    return _tool_call(check, turn)


def _seen(turn: Turn) -> str:
    if not turn.text.strip():
        called = ", ".join(call.name for call in turn.calls)
        return f"it called {called} and said nothing" if called else "the answer is empty"
    return f"the answer is {_short(turn.text.strip())!r}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN else flat[: SHOWN - 1] + "…"


def numbers_in(text: str, decimal: str = ".") -> list[float]:
    """The numbers of a text in its order; thousands may be grouped by commas (or points) or `'`."""
    values = []
    group = "," if decimal == "." else "."
    for match in _NUMBER.finditer(text):
        for part in _parts(match[0], decimal, group):
            value = _value(part, decimal, group)
            if value is not None:
                values.append(value)
    return values


def _parts(written: str, decimal: str, group: str) -> list[str]:
    """`1,234` is one number where the commas group thousands; a list as `1,2,3` is several."""
    body = re.escape(decimal)
    grouped = (
        rf"[-+\u2212]?\d{{1,3}}(?:[{re.escape(group)}\u00a0\u202f']\d{{3}})+(?:{body}\d+)?(?:[eE][-+]?\d+)?"
    )
    if re.fullmatch(grouped, written):
        return [written]
    single = rf"[-+\u2212]?(?:\d+(?:{body}\d+)?|{body}\d+)(?:[eE][-+]?\d+)?"
    return re.findall(rf"{grouped}|{single}", written)


def _value(written: str, decimal: str, group: str) -> float | None:
    plain = re.sub(rf"[{re.escape(group)}\u00a0\u202f']", "", written).replace("\u2212", "-")
    try:
        value = float(plain.replace(decimal, "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _numeric(check: NumericCheck, text: str) -> Outcome:
    values = numbers_in(text, check.decimal)
    if not values:
        return False, "there is no number in it"
    looked = {"last": values[-1:], "first": values[:1], "any": values}[check.which]
    # As many digits as a float has are never asked for: 0.1 + 0.2 is 0.3.
    room = max(check.tolerance, check.relative * abs(check.numeric)) + 1e-9 * max(1.0, abs(check.numeric))
    told = ", ".join(f"{value:g}" for value in looked[:5])
    return any(abs(value - check.numeric) <= room for value in looked), f"{told}, not {check.numeric:g}"


def _json_schema(check: JsonSchemaCheck, text: str) -> Outcome:
    try:
        value = _json(text.strip()) if check.only else json_in(text)
    except ValueError:
        return False, "it is no JSON" + (" and nothing else" if check.only else "")
    wrong = misfit(value, check.json_schema)
    return wrong is None, wrong or ""


def json_in(text: str) -> Any:  # noqa: ANN401 - anything that JSON can hold
    """The JSON of an answer: the whole of it, else the longest in a fence, else the longest between words.

    Of several that are equally long it is the last one.

    Raises:
        ValueError: there is none.
    """
    with contextlib.suppress(ValueError):
        return _json(text.strip())
    fenced = [(len(written), value) for written in _FENCE.findall(text) for value in _readable(written)]
    found_all = fenced or list(_between_words(text))
    if not found_all:
        raise ValueError("there is no JSON")
    longest = max(length for length, _ in found_all)
    return [value for length, value in found_all if length == longest][-1]


def _readable(written: str) -> Iterator[Any]:
    with contextlib.suppress(ValueError):
        yield _json(written.strip())


def _between_words(text: str) -> Iterator[tuple[int, Any]]:
    """The objects and lists among the words of a text, with their lengths."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    at = 0
    for _ in range(MOST_BRACKETS):
        match = _BRACKET.search(text, at)
        if match is None:
            return
        try:
            value, at = decoder.raw_decode(text, match.start())
            yield at - match.start(), value
        except ValueError:
            at = match.end()
        except RecursionError:
            return


def _json(text: str) -> Any:  # noqa: ANN401 - as above
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_constant(word: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(f"{word} is no number of JSON")


def _tool_call(check: ToolCallCheck, turn: Turn) -> Outcome:
    wanted = " or ".join("a tool" if name == "*" else name for name in check.tool_call)
    named = [call for call in turn.calls if "*" in check.tool_call or call.name in check.tool_call]
    if not named:
        called = ", ".join(call.name for call in turn.calls)
        return False, f"it called {called}, not {wanted}" if called else f"it did not call {wanted}"
    if check.only and len(turn.calls) > 1:
        return False, f"it made {len(turn.calls)} calls"
    reasons = [_arguments(check, call.arguments) for call in named]
    return None in reasons, next((why for why in reasons if why is not None), "")


def _arguments(check: ToolCallCheck, given: dict[str, Any] | None) -> str | None:
    """What is wrong with the arguments of a call; None where nothing is."""
    if given is None:
        return "its arguments are no JSON object"
    for name, value in check.arguments.items():
        if name not in given:
            return f"the argument {name} is missing"
        if not _same(given[name], value):
            return (
                f"{name} is {_short(json.dumps(given[name], ensure_ascii=False))}, not {_short(repr(value))}"
            )
    if check.only and (more := sorted(set(given) - set(check.arguments))):
        return f"it has the argument {more[0]}"
    return misfit(given, check.arguments_schema) if check.arguments_schema is not None else None


def _same(given: Any, wanted: Any) -> bool:  # noqa: ANN401 - anything that JSON can hold
    """Equal as JSON: 5 and 5.0 are, 1 and true are not."""
    if isinstance(given, bool) or isinstance(wanted, bool):
        return given is wanted
    if isinstance(given, dict) and isinstance(wanted, dict):
        return given.keys() == wanted.keys() and all(_same(given[key], wanted[key]) for key in wanted)
    if isinstance(given, list) and isinstance(wanted, list):
        return len(given) == len(wanted) and all(map(_same, given, wanted))
    if isinstance(given, str) and isinstance(wanted, str):
        return composed(given) == composed(wanted)
    return bool(given == wanted)
