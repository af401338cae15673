"""A proposed measurement in words: what is measured, how long it takes, what it costs, and how to say yes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.state import Offer
from agent.wording import about_time, listed
from tools.measuring.forecast import OFFERED

LEAD = "**A measurement would decide.**"
REFUSED = {
    "offline": (
        "A measurement asks a model server, and --offline forbids the network. Start again without --offline."
    ),
    "nothing": "There is no option to measure yet.",
    "no_text": "Scenarios are asked of models that write text; what was recommended is none of them.",
    "elsewhere": (
        "I can measure a model that runs on this machine: what was recommended is meant for another one, or "
        "the Ollama that is set is not on this computer. `llm-advisor bench MODEL --endpoint URL` measures "
        "any server."
    ),
}
"""Why nothing can be measured, where the person asks for it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is said, and what a yes then runs; nothing of the latter where it cannot run yet."""

    text: str
    offer: Offer | None = None


def bench_words(decides: str, tags: Sequence[str], seconds: float, missing: Sequence[str]) -> str:
    """A measurement of speed that can run.

    Args:
        decides: what it decides, without a period; empty where the person asked for it.
        tags: what is measured.
        seconds: that it about takes once the models are loaded.
        missing: tags of options that are not pulled yet.
    """
    lead = f"{LEAD} {_capital(decides)}. " if decides else ""
    most = round(len(tags) * OFFERED.seconds / 60)
    also = f" Not pulled yet: {_pulls(missing)}." if missing else ""
    return (
        f"{lead}I can measure {_code(tags)} on this machine's Ollama: {about_time(seconds)} (estimate), at "
        f"most {most} min, after the time to load {_it(tags)}; no cost. Say **measure** (or yes) and I run "
        f"it; nothing runs before.{also}"
    )


def pull_words(decides: str, missing: Sequence[str]) -> str:
    """A measurement that cannot run before something is pulled."""
    lead = f"{LEAD} {_capital(decides)}. " if decides else ""
    return (
        f"{lead}It cannot run yet, because this machine's Ollama does not have {_it(missing)}: "
        f"{_pulls(missing)} (here: /pull). Say **measure** then."
    )


LEADS = {
    "tune": (
        "**Before you fine-tune, evaluate the base.** By the guides, fine-tuning should help where it passes "
        "under 50 % of your scenarios, and may not be needed over 70 %. "
    ),
    "tie": LEAD + " {names} tie, and their answers to the same scenarios can tell them apart. ",
    "": "",
}
"""What an evaluation decides."""


def evaluation_words(what: str, how: str, *, own: bool, lead: str, names: str) -> str:
    """Scenarios over one or two models, with what it takes.

    Args:
        what: scenarios, models, judge, time and cost.
        how: how to have it run, or what stands in its way.
        own: the scenarios are the person's own.
        lead: `tune` or `tie`, what it would decide; empty where the person asked for it.
        names: the models.
    """
    better = "" if own else " Your own file of scenarios says more: **evaluate FILE.yaml**."
    return f"{LEADS[lead].format(names=names)}{what}. {how}{better}"


def cost_words(offer: Offer) -> str:
    """What a proposed measurement itself costs, before the answer on what the models cost."""
    what = "evaluation" if offer["tool"] == "evaluate" else "measurement"
    usd = offer.get("max_usd")
    if usd:
        return f"The proposed {what} costs {most_words(usd)} and stops before it would cost more."
    return f"The proposed {what} costs nothing: it runs on this machine."


def most_words(usd: float) -> str:
    """A ceiling in dollars."""
    return f"at most ${usd:,.2f}"


def left_words(tool: str) -> str:
    """How to come back to a measurement that was not wanted now."""
    return f"Say **{'evaluate' if tool == 'evaluate' else 'measure'}** when you want it."


def _pulls(tags: Sequence[str]) -> str:
    return listed([f"`ollama pull {tag}`" for tag in tags])


def _it(tags: Sequence[str]) -> str:
    return "it" if len(tags) == 1 else "them"


def _code(tags: Sequence[str]) -> str:
    return listed([f"`{tag}`" for tag in tags])


def _capital(words: str) -> str:
    """A sentence; names of models keep their letters."""
    return f"{words[:1].upper()}{words[1:]}" if words.startswith("you ") else words
