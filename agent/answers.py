"""What the tools can tell of one model, each in a sentence or two with its evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agent.wording import engine_name, listed, named, planned_words
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.brief import Brief
from tools.budget import GIB
from tools.calibration.applying import note_on
from tools.calibration.words import evidence_of, note_of
from tools.candidates import Candidate, Configuration, QualityFigure
from tools.fit import longest_context, solve, with_memory
from tools.fit_hardware import hardware_for
from tools.fit_types import Ask, Refusal
from tools.measured_choice import measured_advantage
from tools.memory.types import Evidence
from tools.quant_loss import quality_loss
from tools.recommend import rank_for
from tools.roles.common import features_of_model, license_verdict
from tools.roles.generator import ask_of
from tools.runbook import commands_for
from tools.scores import benchmark_evidence
from tools.task_mix import quality_for, task_words
from tools.timings import most_at_once, with_timings
from tools.utility import table

MOST_SCORES = 5
CACHE_TYPES = ("f16", "q8_0", "q4_0")
MOST_SETS = 6

Told = tuple[str, list[Evidence]]
Teller = Callable[[ModelRecord, Brief], Told]


def _card(model: ModelRecord, what: str) -> list[Evidence]:
    return [Evidence("catalog", model.id, what)]


def license_of(model: ModelRecord, brief: Brief) -> Told:
    """The license and what it means for the stated use."""
    verdict = license_verdict(model, brief)
    record = load_catalog().license_of(model)
    note = f" Conditions: {verdict.figure.note}." if verdict.figure.note else ""
    source = record.source if record is not None else "catalog"
    use = {
        "yes": "yes",
        "conditional": "yes, under conditions",
        "no": "no",
        "unknown": "unknown: read the license",
    }
    text = f"license {verdict.figure.id}; commercial use: {use[verdict.figure.commercial_use]}.{note}"
    return text, [Evidence("catalog", source, verdict.figure.id)]


def benchmarks_of(model: ModelRecord, brief: Brief) -> Told:
    """The most telling published scores, or what is expected without any."""
    quality = quality_for(model.id, brief.tasks)
    rows = load_catalog().benchmarks.for_model(model.scored_as)
    if not rows:
        return (
            f"no public score of this exact model is in the catalog; expected {quality.score:.0f} of 100 for "
            f"{task_words(brief.tasks)}, give or take {quality.spread:.0f}, from size, age and maker.",
            list(quality.basis),
        )
    best = list(quality.basis) or [benchmark_evidence(r) for r in rows[:MOST_SCORES]]
    listing = "; ".join(e.source for e in best[:MOST_SCORES])
    return f"{len(rows)} published scores, the most telling for {task_words(brief.tasks)}: {listing}.", best


def languages_of(model: ModelRecord, brief: Brief) -> Told:
    """Languages that the model card lists."""
    if model.languages:
        words = listed([named("languages", code) for code in model.languages[:12]])
        more = f" and {len(model.languages) - 12} more" if len(model.languages) > 12 else ""
        return f"its card lists {words}{more}.", _card(model, "languages")
    known = {
        True: "its card calls it multilingual and names no languages",
        False: "its card says English only",
        None: "its card says nothing of languages: test it on texts of your own",
    }
    return f"{known[model.multilingual]}.", _card(model, "languages")


def features_of(model: ModelRecord, brief: Brief) -> Told:
    """Features that are known to be there, and those that are not known."""
    there = [named("features", feature) for feature in features_of_model(model)]
    known = {"images": model.vision, "tool calling": model.tool_calling, "thinking": model.thinking}
    missing = [name for name, value in known.items() if value in (False, "no")]
    unknown = [name for name, value in known.items() if value is None]
    parts = [f"it has {listed(there)}"] if there else []
    parts += [f"it has no {listed(missing).replace(' and ', ' and no ')}"] if missing else []
    parts += [f"nothing is known of {listed(unknown)}"] if unknown else []
    return f"{'; '.join(parts)}.", _card(model, "features")


def window_of(model: ModelRecord, brief: Brief) -> Told:
    """The window of the model beside what is planned."""
    if model.context_length is None:
        return "the length of its window is not known.", _card(model, "context_length")
    c = configuration_of(model, brief)
    here, evidence = "", _card(model, "context_length")
    if not isinstance(c, str) and brief.machine is not None:
        most = longest_context(model, brief.machine, c, ask_of(brief))
        here = f"; as {c.quant} this machine holds up to {most:,} of them"
        evidence.append(Evidence("tool", "max_context", model.id))
    return f"it reads up to {model.context_length:,} tokens{here}; planned are {brief.context:,}.", evidence


def age_of(model: ModelRecord, brief: Brief) -> Told:
    """Release date and size."""
    released = f"released {model.release_date}" if model.release_date else "of unknown date"
    size = f"{model.params_b:.1f}B parameters" if model.params_b is not None else "a size nobody stated"
    active = f", {model.params_active / 1e9:.1f}B of them active" if model.params_active else ""
    return f"{released}, with {size}{active}.", _card(model, "release_date")


def placed(model: ModelRecord, brief: Brief) -> Told:
    """Memory and speed of a model on the person's machine, or why it does not run there."""
    c = configuration_of(model, brief)
    if isinstance(c, str):
        return c, [Evidence("tool", "fit", model.id)]
    assert c.memory is not None
    speed = (
        f" about {c.speed.mid:.0f} tokens per second ({c.speed.low:.0f} to {c.speed.high:.0f}"
        f"{'; ' + c.speed.note if c.speed.note else ', estimate'})"
        if c.speed
        else " speed unknown"
    )
    beside = f" and {c.memory.host_bytes / GIB:.1f} GiB of system memory" if c.spills else ""
    text = (
        f"{c.quant} on {engine_name(c.engine)} with {c.context:,} tokens ({c.kv_cache_type} cache) takes "
        f"{c.memory.total_bytes / GIB:.1f} GiB of {c.available_bytes / GIB:.1f} GiB{beside};{speed}."
    )
    evidence = [Evidence("tool", "estimate_memory", c.memory.formula), *c.memory.basis[:2]]
    here = c.speed.here if c.speed is not None else None
    return text, evidence if here is None else [*evidence, evidence_of(here)]


def download_of(model: ModelRecord, brief: Brief) -> Told:
    """Size of the files in the recommended quantization."""
    c = configuration_of(model, brief)
    if isinstance(c, str):
        return c, [Evidence("tool", "fit", model.id)]
    assert c.memory is not None
    text = f"as {c.quant} the download is about {c.memory.file_bytes / GIB:.1f} GiB."
    return text, [Evidence("tool", "estimate_memory", "sum of the tensors in the file")]


def run_of(model: ModelRecord, brief: Brief) -> Told:
    """The commands that start it."""
    candidate = ranked_as(model, brief)
    if candidate is None:
        return placed(model, brief)
    lines = "".join(f"\n   - {c.label}: `{c.shell}`" for c in commands_for(candidate))
    return f"run it like this:{lines}", [Evidence("tool", "runbook", model.id)]


def compared(model: ModelRecord, brief: Brief) -> Told:
    """Everything that decides, in one line."""
    quality, (where, evidence), (terms, more) = (
        quality_as_run(model, brief),
        placed(model, brief),
        license_of(model, brief),
    )
    score = (
        f"expected quality {quality.score:.0f} of 100 for {task_words(brief.tasks)} "
        f"(give or take {quality.spread:.0f})"
    )
    return f"{score}; {where} {terms[0].upper()}{terms[1:]}", [*quality.basis[:2], *evidence, *more]


def quality_as_run(model: ModelRecord, brief: Brief) -> QualityFigure:
    """Expected quality in the form in which the model would run here, as the recommendation counts it."""
    found, c = quality_for(model.id, brief.tasks), configuration_of(model, brief)
    if isinstance(c, str):
        return found
    return found.less(quality_loss(model, c.quant, c.kv_cache_type, brief.task))


def why(model: ModelRecord, brief: Brief) -> Told:
    """What speaks for the first choice, against the next of another size or family."""
    ranked = rank_for(brief).candidates
    if not ranked or ranked[0].model != model.name or len(ranked) < 2:
        return why_not(model, brief)
    best, second = ranked[0], ranked[1]
    gap = best.quality.points_over(second.quality)
    ahead = measured_advantage(best.model_id, second.model_id, brief) or (
        f"{_points(gap)} ahead of {second.model}"
        if gap >= 1
        else f"as good as {second.model} by public scores, and ahead of it in all that counts together"
    )
    where, evidence = placed(model, brief)
    text = (
        f"its expected quality for {task_words(brief.tasks)} is {best.quality.score:.0f} of 100, "
        f"give or take {best.quality.spread:.0f}, {ahead}; {where}"
    )
    return text, [*best.quality.basis[:3], *evidence]


def why_not(model: ModelRecord, brief: Brief) -> Told:
    """Why a model is not the first choice: license, fit, then quality and speed against the best."""
    verdict = license_verdict(model, brief)
    if not verdict.allowed:
        return f"{verdict.reason}.", [Evidence("catalog", "license table", verdict.figure.id)]
    c = configuration_of(model, brief)
    if isinstance(c, str):
        return c, [Evidence("tool", "fit", model.id)]
    ranked = rank_for(brief).candidates
    quality = quality_as_run(model, brief)
    evidence = list(quality.basis)
    if not ranked or ranked[0].model == model.name:
        return (
            f"it is the first choice: expected quality {quality.score:.0f} of 100 for "
            f"{task_words(brief.tasks)}.",
            evidence,
        )
    best = ranked[0]
    gap = best.quality.points_over(quality)
    speed = f", about {c.speed.mid:.0f} tokens per second" if c.speed else ""
    measured = measured_advantage(best.model_id, model.id, brief).replace("it passes", "that one passes")
    worse = f"{_points(gap)} below" if gap >= 1 else f"{_points(-gap)} above" if gap <= -1 else "as much as"
    return (
        f"it would run ({c.quant}{speed}); its expected quality for {task_words(brief.tasks)} is "
        f"{quality.score:.0f} of 100, {worse} {best.model} with {best.quality.score:.0f}"
        f"{f', and {measured}' if measured else _instead(best, c) if gap < 1 else ''}.",
        evidence + list(best.quality.basis[:2]),
    )


def _points(gap: int) -> str:
    return f"{gap} point{'' if gap == 1 else 's'}"


def _instead(best: Candidate, mine: Configuration) -> str:
    """What decides against a model that is as good."""
    its = best.configuration
    if its is None or its.speed is None or mine.speed is None or its.speed.mid <= 1.15 * mine.speed.mid:
        return ", so that license, memory and support decide"
    return f", which is {its.speed.mid / mine.speed.mid:.1f} times as fast here"


def quants_of(model: ModelRecord, brief: Brief) -> Told:
    """Every quantization of the ladder that fits, with memory and speed."""
    return _variants(model, brief, [{"quant": quant} for quant in table()["ladders"]["gguf"]])


def caches_of(model: ModelRecord, brief: Brief) -> Told:
    """The cache types with what they save."""
    c = configuration_of(model, brief)
    quant = None if isinstance(c, str) else c.quant
    return _variants(model, brief, [{"quant": quant, "kv_cache_type": kind} for kind in CACHE_TYPES])


def _variants(model: ModelRecord, brief: Brief, changes: list[dict[str, str | None]]) -> Told:
    if brief.machine is None:
        return "I know of no machine to run it on.", []
    lines = []
    for change in changes:
        ask: Ask = replace(ask_of(brief), **change)  # type: ignore[arg-type]  # names and types of Ask's fields
        found = solve(model.id, brief.machine, ask)
        words = " with a ".join(str(part) for part in change.values() if part)
        words += " cache" if "kv_cache_type" in change else ""
        if isinstance(found, Refusal):
            lines.append(f"\n   - {words}: {found.reason}")
            continue
        c = with_memory(model, brief.machine, found.configuration, ask)
        assert c.memory is not None
        speed = f", about {c.speed.mid:.0f} tokens per second" if c.speed else ""
        lines.append(
            f"\n   - {words}: {c.memory.total_bytes / GIB:.1f} of {c.available_bytes / GIB:.1f} GiB{speed}"
        )
    note = note_on(brief.machine)
    text = f"with {brief.context:,} tokens of context (estimates):{''.join(lines)}"
    return f"{text}\n\n   {note}" if note else text, [
        Evidence("tool", "estimate_memory", model.id),
        Evidence("tool", "estimate_speed", model.id),
    ]


def ranked_as(model: ModelRecord, brief: Brief) -> Candidate | None:
    """The model as it stands in the ranking of these needs."""
    return next((c for c in rank_for(brief).candidates if c.model_id == model.id), None)


def configuration_of(model: ModelRecord, brief: Brief) -> Configuration | str:
    """The best configuration of a model on the person's machine, or why there is none."""
    if brief.machine is None:
        return "I know of no machine to run it on."
    candidate = ranked_as(model, brief)
    if candidate is not None and candidate.configuration is not None and candidate.configuration.memory:
        return candidate.configuration
    ask = ask_of(brief)
    found = solve(model.id, brief.machine, ask)
    if isinstance(found, Refusal):
        return f"it {found.reason}." if found.constraint == "memory" else f"{found.reason}."
    return with_memory(model, brief.machine, found.configuration, ask)


def hardware_for_it(model: ModelRecord, brief: Brief) -> Told:
    """The smallest sets of accelerators that hold a model with the context that is planned."""
    window = model.context_length or brief.context
    document = hardware_for(model, Ask(context=min(brief.context, window), parallel=brief.parallel))
    sets = document["hardware"]
    if not sets:
        return "no set of up to eight equal accelerators of my catalog holds it.", _card(model, "parameters")
    lines = [
        f"\n   - {row['count']} x {row['name']}: {row['quant']} ({row['kv_cache_type']} cache), "
        f"{row['memory_bytes'] / GIB:.1f} GiB, about {row['tokens_per_second']:.0f} tokens per second"
        for row in sets[:MOST_SETS]
    ]
    start = f"the smallest sets that hold it with {document['context']:,} tokens of context (estimates):"
    return start + "".join(lines), [Evidence("tool", "fit", model.id)]


def waits_of(model: ModelRecord, brief: Brief, prompt: int | None = None) -> Told:
    """How long a person waits for the first token, and for the answer; after a usual prompt where none was
    named (in tokens).
    """
    c = _timed(model, brief, prompt)
    if isinstance(c, str):
        return c, [Evidence("tool", "fit", model.id)]
    times = c.speed.timings if c.speed is not None else None
    if times is None or times.first_token is None:
        return "how fast it reads a prompt here is not known.", [Evidence("tool", "estimate_speed", model.id)]
    first = times.first_token
    text = (
        f"after a prompt of {times.prompt_tokens:,} tokens the first token comes in about {first.mid:.1f} s "
        f"({first.low:.1f} to {first.high:.1f}{', estimate' if times.prompt_here is None else ''})"
    )
    if times.prompt_here is not None and times.prompt_estimate is not None:
        text += f" (prompts: {note_of(times.prompt_here, times.prompt_estimate.mid)})"
    thinks = times.thinking
    if thinks is not None and thinks.stand_in:
        text += "; it thinks before it answers, for how long on such tasks is not known"
    elif thinks is not None:
        text += f"; it then thinks for about {thinks.seconds.mid:.0f} s"
    return f"{text}.", list(times.evidence)


def users_of(model: ModelRecord, brief: Brief) -> Told:
    """Speed with several conversations at once, as far as the memory holds them."""
    c = _timed(model, brief)
    if isinstance(c, str):
        return c, [Evidence("tool", "fit", model.id)]
    times = c.speed.timings if c.speed is not None else None
    if times is None:
        return "its speed here is not known.", [Evidence("tool", "estimate_speed", model.id)]
    lines = [
        f"\n   {p.users}: about {p.per_user.mid:.0f} tokens per second each, {p.together.mid:.0f} together"
        for p in times.throughput
        if p.fits is not False
    ]
    assert brief.machine is not None
    most = most_at_once(model, brief.machine, c)
    held = (
        f"as {c.quant} on {engine_name(c.engine)} the memory holds {most} "
        f"conversation{'' if most == 1 else 's'} of {c.context:,} tokens at once; {planned_words(brief)}. "
    )
    start = "By conversations at once (estimates):"
    note = f"\n\n   {c.speed.note}." if c.speed is not None and c.speed.note else ""
    evidence = [Evidence("tool", "estimate_memory", model.id), *times.evidence]
    return held + start + "".join(lines) + note, evidence


def _timed(model: ModelRecord, brief: Brief, prompt: int | None = None) -> Configuration | str:
    """The best configuration with its times, or why there is none."""
    c = configuration_of(model, brief)
    if isinstance(c, str) or brief.machine is None:
        return c
    if prompt is None and c.speed is not None and c.speed.timings is not None:
        return c
    return with_timings(model, brief.machine, c, task=brief.task, prompt_tokens=prompt)


TELLERS: dict[str, Teller] = {
    "license": license_of,
    "benchmarks": benchmarks_of,
    "languages": languages_of,
    "features": features_of,
    "window": window_of,
    "age": age_of,
    "speed": placed,
    "memory": placed,
    "download": download_of,
    "run": run_of,
    "compare": compared,
    "why": why,
    "why_not": why_not,
    "quants": quants_of,
    "caches": caches_of,
    "hardware": hardware_for_it,
    "first_token": waits_of,
    "users": users_of,
}
"""What can be told, by the topics of `agent/data/topics.json`."""
