"""The measurement of speed that decides between the first options: of which models, and how long it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.proposing_words import Proposal, bench_words, pull_words
from agent.state import Offer
from agent.wording import listed
from tools import hardware
from tools.brief import brief_of
from tools.candidates import Candidate
from tools.measuring.deciding import (
    MOST,
    bench_seconds,
    contest_of,
    library_tag,
    machine_here,
    models_here,
    tag_for,
    tags_of,
    was_measured,
)
from tools.measuring.machine import machine_key
from tools.needs import Needs


def bench_of(candidates: Sequence[Candidate], needs: Needs, *, asked: bool) -> Proposal | None:
    """The measurement of speed that decides; None where none does, or where the options run elsewhere.

    Args:
        candidates: the options, best first.
        needs: what they were chosen for.
        asked: the person wants it, whatever it decides.

    Raises:
        AdvisorError: no Ollama answers here.
    """
    wanted = needs.min_speed.value if needs.min_speed is not None else None
    contest = contest_of(candidates, wanted, asked=asked)
    if contest is None:
        return None
    machine = machine_here(brief_of(needs).machine, hardware.detect_machine)
    if machine is None:
        return None
    key = machine_key(machine)
    unknown = [c for c in contest.candidates if not was_measured(c.model_id, key)]
    there = models_here() if asked or unknown else None
    if there is None:
        return None
    tags = tags_of(there)
    decides = {"tie": _tie(candidates, unknown), "speed": _straddles(candidates[0], wanted), "asked": ""}[
        contest.why
    ]
    served = _served(unknown, tags)
    missing = [tag for c in unknown if tag_for(c, tags) is None and (tag := library_tag(c)) is not None]
    if not served and asked:
        served, decides = _served(contest.candidates, tags), ""  # what was measured may be measured again
    if not served:
        # A yes looks again: it may have been pulled meanwhile.
        waiting = Offer(tool="bench", models=[], fresh=True)
        return Proposal(pull_words(decides, missing[:MOST]), waiting) if missing else None
    models = [{"model": c.model, "model_id": c.model_id or "", "tag": tag} for c, tag in served]
    offer = Offer(tool="bench", models=models, machine=key, fresh=True)
    seconds = sum(bench_seconds(c, machine) for c, _ in served)
    left = missing[: MOST - len(served)]
    return Proposal(bench_words(decides, [tag for _, tag in served], seconds, left), offer)


def _served(options: Sequence[Candidate], tags: Mapping[str, Sequence[str]]) -> list[tuple[Candidate, str]]:
    """The first options that the server has, each with its tag."""
    return [(c, tag) for c in options if (tag := tag_for(c, tags)) is not None][:MOST]


def _tie(candidates: Sequence[Candidate], unknown: Sequence[Candidate]) -> str:
    level = [c.model for c in candidates if c is candidates[0] or c.tied]
    names = [c.model for c in unknown]
    if len(names) == len(level):
        return f"{listed(level)} tie, and their speeds here are estimates"
    open_ones = f"speeds of {listed(names)} here are estimates"
    if len(names) == 1:
        open_ones = f"speed of {names[0]} here is an estimate"
    return f"{listed(level)} tie, and the {open_ones}"


def _straddles(first: Candidate, wanted: float | None) -> str:
    speed = first.configuration.speed if first.configuration is not None else None
    if speed is None or wanted is None:
        return ""
    return (
        f"you asked for {wanted:g} tokens per second, and {first.model} is estimated at {speed.low:.0f} to "
        f"{speed.high:.0f}"
    )
