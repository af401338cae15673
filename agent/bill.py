"""What the recommended configuration costs, answered where somebody asks for the cost."""

from __future__ import annotations

import re
from dataclasses import replace

from agent.reply import Reply
from agent.wording import role_name
from tools.brief import brief_of
from tools.candidates import Candidate, Reason, evidence_json
from tools.needs import Needs
from tools.recommend import recommend
from tools.running_costs import dollars, priced
from tools.verdict import to_buy

OF_AN_API = re.compile(r"\b(apis?|cloud|providers?|hosted|subscription|anbieter|abo)\b", re.IGNORECASE)

AGAINST = re.compile(
    r"\b(compared?|comparison|against|versus|vs|than|instead|cheaper|dearer|or|gegen\w*|verglich\w*|vergleich)\b",
    re.IGNORECASE,
)


def against_an_api(question: str) -> bool:
    """Whether a question sets what was recommended against an API: `what does it cost against an API?`."""
    return about_an_api(question) and AGAINST.search(question) is not None


def about_an_api(question: str) -> bool:
    """Whether a question of cost names an API rather than what was recommended."""
    return OF_AN_API.search(question) is not None


def bill(needs: Needs, api: Candidate | None, *, known: bool, named: str | None = None) -> Reply | None:
    """What the first choice of some needs costs; None where there is none.

    Args:
        needs: what is known.
        api: the best API for the same needs, to stand beside it; None for none.
        known: whether the first choice was recommended already; otherwise the answer says that it may change.
        named: the option that was asked for, by its name, in place of the first.
    """
    options = recommend(needs).candidates
    best = next((c for c in options if c.model == named), next(iter(options), None))
    if best is None:
        return None
    lead = "" if known else f"With what I know so far, {best.model} would come first. "
    c = best.configuration
    machine = brief_of(needs).machine
    runs = c is not None and machine is not None and best.kind == "local" and best.role == "generator"
    how = f" as {c.quant} on {machine.name}" if runs and c is not None and machine is not None else ""
    told = _reasons(best, needs)
    if not told:
        return Reply(f"{lead}**{best.model}**{how}: {_unpriced(best)}")
    said = " ".join(reason.text for reason in told)
    text = f"{lead}**{best.model}**{how}: {said[0].lower()}{said[1:]}"
    evidence = [e for reason in told for e in reason.evidence]
    if best.kind == "local" and api is not None and api.usd_per_month is not None:
        text += (
            f"\n\nFor comparison, the API of {api.model} costs about {dollars(api.usd_per_month)} a month "
            "for the same, and your texts would leave the machine."
        )
        evidence += [e for reason in api.why for e in reason.evidence]
    if needs.volume is None:
        text += "\n\nTell me how much text goes through it a day, and I count with that."
    return Reply(text, [evidence_json(e) for e in dict.fromkeys(evidence)])


def _reasons(best: Candidate, needs: Needs) -> list[Reason]:
    """What is said of money about an option, computed as the recommendation does."""
    if best.kind == "api":
        return [reason for reason in best.why if reason.text.startswith("Costs")]
    bare = replace(best, why=(), caveats=())
    return list(priced(bare, brief_of(needs), buy=to_buy(needs), assumed=needs.volume is None).why)


def _unpriced(best: Candidate) -> str:
    """An option of which no bill is computed."""
    if best.role == "pretrain-config":
        return "what it costs is the time of the machine that trains it; `plan pretrain` counts the hours."
    return (
        f"as the {role_name(best.role)} on your own machine it costs nothing for each use; its electricity "
        "is not computed here."
    )
