"""`bench`: measures a running model, and keeps what was measured as this machine's calibration."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from knowledge.errors import AdvisorError, NoAnswerError, UsageError
from knowledge.measured_here import MeasuredRun, Range, forget_runs, keep_run, load_runs
from tools.calibration.reading import subject_of
from tools.commands.requests import Name, Number, Request, Tokens
from tools.hardware import describe, detect_machine
from tools.hardware_types import Machine
from tools.measuring import plan as usual
from tools.measuring.compare import comparison
from tools.measuring.doubts import Others, busy_note, differing_note, far_off_note
from tools.measuring.machine import machine_key
from tools.measuring.plan import Plan
from tools.measuring.run import Bench
from tools.measuring.samples import Figures, prompt_line, spread
from tools.measuring.statistics import METHOD, reached
from tools.measuring.target import UNKNOWN, Target, find_target

Document = dict[str, Any]
LEAST_COUNTED = 0.7
"""Share of the wanted length; what is below was not missed by a few words."""
DAY = len("2026-11-21")
HOW = (
    "Every prompt begins with words that no other had, so that no prompt cache of the server makes it faster "
    "than it is; only the few tokens of the chat template are the same each time.",
    "The first token is that of any kind, reasoning included, counted from the sending of the request; the "
    "speed of the prompt is its tokens over that time, of all prompts together where several are sent.",
    "The speed of generation is the tokens after the first over the time from the first to the last; all "
    "together, from the first token of any to the last of all. The prompts' own tokens are not in it.",
    "Tokens are counted by the server; temperature 0 and a fixed seed; every length is measured once before "
    "any is measured again, and a round of requests at once counts as one repeat.",
)


def _list(value: object) -> object:
    """`128,1024,4k` is a list of three; so is a number of one."""
    if isinstance(value, str):
        return [part for part in re.split(r"[,\s]+", value) if part]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


AtOnce = Annotated[int, Number, Field(ge=1, le=usual.MOST_AT_ONCE)]


class BenchQuery(Request):
    """Request of `bench`."""

    model: Name | None = Field(None, description="an Ollama tag, a name at the endpoint, or a LiteLLM model")
    endpoint: Name | None = Field(
        None,
        description="address of an OpenAI-compatible server (llama-server, vLLM, LM Studio), or of an Ollama",
        json_schema_extra={"metavar": "URL"},
    )
    key_variable: Name | None = Field(None, description="environment variable that holds the endpoint's key")
    prompt_tokens: (
        Annotated[tuple[Tokens, ...], BeforeValidator(_list), Field(min_length=1, max_length=20)] | None
    ) = Field(
        None,
        description="lengths of the prompts (default 128,1024,4096, as far as the context holds them)",
        json_schema_extra={"metavar": "N,N"},
    )
    concurrency: (
        Annotated[tuple[AtOnce, ...], BeforeValidator(_list), Field(min_length=1, max_length=20)] | None
    ) = Field(
        None,
        description="requests at once, 1 to 64 (default 1,4; given, every length is measured with each)",
        json_schema_extra={"metavar": "N,N"},
    )
    output_tokens: Annotated[int, Number, Field(ge=8, le=8192)] = Field(
        usual.OUTPUT_TOKENS, description="tokens of each answer"
    )
    repeats: Annotated[int, Number, Field(ge=1, le=100)] = Field(
        usual.REPEATS, description="how often each is measured; six give an interval of 95 %"
    )
    seconds: Annotated[float, Number, Field(ge=1, le=86400, allow_inf_nan=False)] = Field(
        usual.SECONDS, description="budget after loading and warm-up; what does not fit it is left out"
    )
    context: Tokens | None = Field(None, description="Ollama's context window, instead of the loaded one")
    seed: Annotated[int, Number] = Field(0, description="decides the words of the prompts")
    cold: bool = Field(False, description="unload the model first, to measure how long it loads (Ollama)")
    max_cost: Annotated[float, Number, Field(ge=0, allow_inf_nan=False)] | None = Field(
        None, description="US dollars that a paid model may cost at most; nothing is sent beyond it"
    )
    compare: bool = Field(
        False,
        description="show estimates and published rows beside; without MODEL for what was measured before",
    )
    no_save: bool = Field(False, description="do not keep what was measured")
    list: bool = Field(False, description="show what was measured before; MODEL narrows it")
    forget: Name | None = Field(
        None, description="remove what was measured: a model's name, a moment as --list shows it, or all"
    )


def prepare(query: BenchQuery, *, offline: bool) -> Bench:
    """Asks the server what it is, and lays out the measurement. Takes seconds.

    Raises:
        NoAnswerError: the server has no such model.
        ServiceError: the server cannot be reached.
        UsageError: the network is forbidden, or an option is off.
    """
    if offline:
        raise UsageError(
            "A measurement asks a model server, and --offline forbids the network.",
            hint="Leave --offline away; `llm-advisor bench --list` needs no network.",
        )
    others = Others()
    target = find_target(query.model, query.endpoint, query.context, query.key_variable)
    plan = Plan(
        query.prompt_tokens,
        query.concurrency,
        query.output_tokens,
        query.repeats,
        query.seconds,
        query.seed,
        query.cold,
        query.max_cost,
    )
    if query.cold and target.kind != "ollama":
        raise UsageError(
            "Only Ollama unloads a model when asked to.", hint="Leave --cold away, or restart the server."
        )
    keep = (lambda run: None) if query.no_save else keep_run
    machine = machine_key(detect_machine())
    return Bench(target, plan, machine, keep, busy=others.share() if target.local else None)


def measured(bench: Bench, query: BenchQuery, error: AdvisorError | None = None) -> Document:
    """What was measured so far, JSON-plain: seconds, tokens per second, bytes.

    Args:
        bench: the measurement, ended in any way.
        query: what was asked for.
        error: why it ended, where the server failed.
    """
    target, run = bench.target, bench.run
    saved = run is not None and not query.no_save and bench.not_kept is None
    machine = detect_machine()
    document: Document = {
        "model": target.served_as,
        "model_id": target.model_id,
        "server": {
            "address": target.label,
            "kind": target.kind,
            "engine": target.engine,
            "version": target.engine_version,
            "local": target.local,
        },
        "machine": {"key": bench.machine, "name": describe(machine)},
        "quant": target.quant,
        "context": bench.context,
        "measured_at": bench.measured_at.isoformat(),
        "complete": bench.complete,
        "stopped": bench.stopped,
        "settings": _settings(bench),
        "load": None
        if bench.load_s is None
        else {"seconds": round(bench.load_s, 3), "source": bench.load_from},
        "memory": _memory(bench),
        "points": [_point(figures) for figures in bench.figures],
        "prompt": _prompt(bench),
        "interval": _interval(bench),
        "method": list(HOW),
        "notes": [*_notes(bench), *_doubts(bench, machine), *_without_estimate(target)],
        "saved": saved,
        "calibrates": run is not None and saved and subject_of(run, machine) is not None,
    }
    if query.compare and run is not None:
        document["comparison"] = comparison(run, machine)
    if error is not None:
        document["error"] = error.as_json()
    return document


def _settings(bench: Bench) -> Document:
    plan = bench.plan
    return {
        "prompt_tokens": plan.fitting(bench.context),
        "concurrency": sorted({number for _, number in plan.steps(bench.context)}),
        "output_tokens": plan.output_tokens,
        "repeats": plan.repeats,
        "seconds": plan.seconds,
        "temperature": 0,
        "seed": plan.seed,
    }


def _memory(bench: Bench) -> Document | None:
    held = bench.held
    if held.source is None and held.cards_used_bytes is None:
        return None
    return {
        "accelerator_bytes": held.accelerator_bytes,
        "host_bytes": held.host_bytes,
        "source": held.source,
        "cards_used_bytes": held.cards_used_bytes,
    }


def _point(figures: Figures) -> Document:
    point, rounds = figures.point(), figures.rounds
    return {
        "prompt_tokens": point.prompt_tokens,
        "output_tokens": point.output_tokens,
        "parallel": point.parallel,
        "samples": point.samples,
        "rounds": len(rounds),
        "first_token_s": _range(point.first_token_s, 4),
        "first_visible_s": _range(spread(one.first_visible_s for one in rounds), 4),
        "slowest_first_token_s": round(max(one.slowest_first_token_s for one in rounds), 4),
        "prompt_tps": _range(point.prompt_tps),
        "generation_tps": _range(point.generation_tps),
        "total_tps": _range(point.total_tps),
        "server_stated": {
            "prompt_tps": _range(spread(one.stated_prompt_tps for one in rounds)),
            "generation_tps": _range(spread(one.stated_generation_tps for one in rounds)),
        },
        "queued": any(one.queued for one in rounds),
        "reasoning_tokens": figures.reasoning_tokens,
        "cached_prompt_tokens": figures.cached_tokens,
        "tokens_counted_by": figures.counted,
    }


def _prompt(bench: Bench) -> Document | None:
    """What a further token of a prompt takes, apart from what every request takes."""
    line = prompt_line(bench.rounds)
    if line is None:
        return None
    tps, fixed = line
    return {"tps": _range(tps), "fixed_s": _range(fixed, 4)}


def _range(found: Range | None, digits: int = 2) -> Document | None:
    if found is None:
        return None
    return {name: round(value, digits) for name, value in found.model_dump().items()}


def _interval(bench: Bench) -> Document:
    counts = {len(figures.rounds) for figures in bench.figures}
    return {
        "method": METHOD,
        "confidence": round(reached(min(counts)), 3) if counts else None,
    }


def _notes(bench: Bench) -> list[str]:
    plan, target = bench.plan, bench.target
    notes = [*target.notes]
    if bench.not_kept is not None:
        notes.append(f"{bench.not_kept.message} {bench.not_kept.hint}")
    if gone := plan.left_out(bench.context):
        notes.append(
            f"Prompts of {' and '.join(f'{n:,}' for n in gone)} tokens were left out: with the answer they "
            f"do not fit the context of {bench.context:,} tokens."
        )
    if how := {figures.counted for figures in bench.figures} - {"server"}:
        what = "words of the answer" if "words" in how else "pieces of the stream"
        notes.append(f"The server does not count tokens: {what} were counted in their place.")
    if any(one.held_back for one in bench.rounds):
        notes.append(
            "Answers came all at once, faster than any model writes: a proxy or the server holds them back. "
            "They have no speed, and their first token waited for the last one."
        )
    if any(one.queued for one in bench.rounds):
        notes.append(
            "The server works on fewer requests at once than were sent: the others waited for their first "
            "token."
        )
    if bench.stopped == "seconds":
        notes.append(f"The budget of {plan.seconds:g} s ended it before every repeat was measured.")
    short = [figures for figures in bench.figures if figures.point().output_tokens < plan.output_tokens // 2]
    if short:
        notes.append("The model ended its answers early; speeds rest on fewer tokens than were asked for.")
    if any(figures.prompt_tokens < LEAST_COUNTED * figures.rounds[0].length for figures in bench.figures):
        notes.append(
            "The server counted far fewer prompt tokens than were sent: it cut the prompt to its context, or "
            "does not count what its cache held. Speeds of such prompts are those of what it counted."
        )
    return notes


def _doubts(bench: Bench, machine: Machine) -> list[str]:
    """Why what was measured may say less than it seems to."""
    notes, run = [busy_note(bench.busy)], bench.run
    if run is not None and run.local:
        notes += [differing_note(run, load_runs()), far_off_note(run, machine)]
    return [note for note in notes if note]


def _without_estimate(target: Target) -> list[str]:
    """Why estimates are not changed by what was measured, if so."""
    if not target.local:
        return [
            "The server is not this machine: the times include the network, and estimates for this machine "
            "are not changed by them."
        ]
    unknown = {
        "which model of the catalog it serves": target.model_id,
        "the format of its weights": target.quant,
        "its engine": None if target.engine == UNKNOWN else target.engine,
    }
    missing = [what for what, known in unknown.items() if known is None]
    if not missing:
        return []
    return [
        f"The server does not tell {' and '.join(missing)}: estimates are not changed by what was measured."
    ]


def recalled(query: BenchQuery) -> Document:
    """`--list`, `--forget`, and `--compare` without a model: what was measured before.

    Raises:
        NoAnswerError: nothing was measured that fits.
    """
    machine = detect_machine()
    key = machine_key(machine)
    runs = [run for run in reversed(load_runs()) if _named(run, query.model)]
    if query.forget is not None:
        return _forgotten(query.forget)
    if query.compare and not query.list:
        latest = _latest(run for run in runs if run.machine == key)
        if not latest:
            raise NoAnswerError(
                "All that was measured was on another machine, or before this one's hardware changed."
                if runs
                else "Nothing was measured on this machine yet.",
                hint="Measure here, for example: llm-advisor bench llama3.1:8b.",
            )
        return {"comparisons": [comparison(run, machine) for run in latest]}
    rows = [run.model_dump(mode="json") | {"this_machine": run.machine == key} for run in runs]
    return {"machine": {"key": key, "name": describe(machine)}, "runs": rows}


def _latest(runs: Iterable[MeasuredRun]) -> list[MeasuredRun]:
    """The newest run of each model, format and engine; the runs come newest first."""
    found: dict[tuple[object, ...], MeasuredRun] = {}
    for run in runs:
        found.setdefault((run.served_as, run.quant, run.engine, run.server), run)
    return list(found.values())


def _named(run: MeasuredRun, name: str | None) -> bool:
    """Whether a run is of a model; any is where none is named."""
    if name is None:
        return True
    wanted = name.removeprefix("ollama_chat/").removeprefix("ollama/").lower()
    return wanted in (run.served_as.lower(), (run.model_id or "").lower())


def _forgotten(what: str) -> Document:
    gone = [run for run in load_runs() if what.lower() == "all" or _named(run, what) or _at(run, what)]
    if not gone:
        raise NoAnswerError(
            f"Nothing was measured of `{what[:80]}`.", hint="`llm-advisor bench --list` shows what was."
        )
    forget_runs(gone)
    return {"forgotten": len(gone), "left": len(load_runs())}


def _at(run: MeasuredRun, moment: str) -> bool:
    """Whether a run began at a moment, or on a day, as --list shows them."""
    return len(moment) >= DAY and run.measured_at.isoformat().startswith(moment)
