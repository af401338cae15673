"""The evaluation that would decide: of a base before its fine-tune, or of two options that tie.

Which rubric, which judge, how long it takes and what it costs at most; that is the ceiling of the run.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.evaluation_parties import Party, is_local, judge_of, ollama_here, party_of
from agent.proposing_words import Proposal, evaluation_words, most_words
from agent.state import Offer
from agent.wording import about_time, listed
from tools import hardware
from tools.brief import brief_of
from tools.candidates import Candidate
from tools.measuring.deciding import machine_here
from tools.needs import Needs

if TYPE_CHECKING:
    from tools.evaluation.forecast import Forecast
    from tools.evaluation.plan import Plan

RUBRICS: Mapping[str, str] = {
    "code": "code",
    "rag": "retrieval",
    "summarization": "retrieval",
    "extraction": "extraction",
    "classification": "classification",
}
USUAL_RUBRIC = "support"
"""Of tasks that are a conversation."""
NOWHERE = (
    "{model} is in no registry that Ollama pulls from; "
    "`llm-advisor evaluate MODEL --rubric {rubric} --endpoint URL` evaluates it behind any server."
)
CENT = 0.01


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of an evaluation."""

    rubric: str = ""
    """The person's own file, or an example; empty for the example that fits the task."""
    asked: bool = False
    """The person asks for it by name."""
    voice: str | None = None
    """The model that words the conversation, which may judge."""
    left: float | None = None
    """Dollars that the conversation may still spend; None without a ceiling."""


def level_pair(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The first option and the next that ties with it; the first alone where none does; none of encoders."""
    first = candidates[0]
    if first.role not in ("generator", "finetune-base"):
        return ()
    other = next((c for c in candidates[1:] if c.tied), None) if first.role == "generator" else None
    return (first,) if other is None else (first, other)


def proposed_unasked(candidates: Sequence[Candidate], needs: Needs, wish: Wish) -> Proposal | None:
    """The evaluation of a base or of two that tie; None where there is neither, or it was done already.

    Raises:
        AdvisorError: the rubric cannot be read.
    """
    pair = level_pair(candidates)
    if not pair or (len(pair) < 2 and pair[0].role != "finetune-base"):
        return None
    known = brief_of(needs).evaluated
    if any(row.of(pair[0].model_id) is not None for row in known):
        return None
    if len(pair) > 1 and any(c.kind == "local" for c in pair):
        machine = machine_here(brief_of(needs).machine, hardware.detect_machine)
        if machine is None or ollama_here().trouble:
            return None
    return evaluation_of(pair, needs, wish, candidates)


def evaluation_of(
    options: Sequence[Candidate], needs: Needs, wish: Wish, candidates: Sequence[Candidate] = ()
) -> Proposal:
    """Scenarios over one or two options, and an offer to run them: through an API, or on this Ollama.

    Args:
        options: what is evaluated.
        needs: what they were chosen for; the task decides which example fits.
        wish: what is wanted.
        candidates: all options, of which another one may judge.

    Raises:
        AdvisorError: the rubric cannot be read.
    """
    from tools.evaluation.reading import example_names

    task = needs.task.value.name if needs.task is not None else ""
    rubric = wish.rubric or RUBRICS.get(task, USUAL_RUBRIC)
    here = ollama_here()
    parties = [party_of(option, here, keyring=wish.asked) for option in options]
    if (nowhere := next((p for p in parties if not p.asked), None)) is not None:
        return Proposal(NOWHERE.format(model=nowhere.candidate.model, rubric=rubric))
    spare = [c for c in candidates if c not in options]
    tune = options[0].role == "finetune-base"
    offer = Offer(
        tool="evaluate",
        models=[
            {"model": p.candidate.model, "model_id": p.candidate.model_id or "", "tag": p.asked}
            for p in parties
        ],
        rubric=rubric,
        judge=judge_of(parties, here, wish.voice, spare, needs),
        tune=tune,
        fresh=True,
    )
    plan, found = _estimated(offer)
    stands = _missing(parties, here.trouble, command_of(offer, judged=plan.judged))
    unfit = "" if stands else _unfit(offer, plan, found, wish.left)
    what = _what(offer, plan, found)
    how = stands or unfit or _consent(offer, plan)
    lead = "tune" if tune else "tie" if len(options) > 1 else ""
    words = evaluation_words(what, how, own=rubric not in example_names(), lead=lead, names=_names(offer))
    if stands:
        offer["models"] = []  # a yes looks again: it may be there meanwhile
    return Proposal(words, None if unfit or any(p.key for p in parties) else offer)


def _estimated(offer: Offer) -> tuple[Plan, Forecast]:
    """What is run, and what is left of it to do; the offer gets its ceiling, with what is spent already."""
    # Both take a while to load, and few conversations come this far.
    from tools.evaluation.forecast import forecast
    from tools.evaluation.journal import FILE, read_journal, run_folder

    plan = plan_for(offer)
    kept = read_journal(run_folder(plan) / FILE)
    found = forecast(plan, [key for key in plan.work() if key in kept.done])
    if found.most_usd:
        # Rounded up to what is told, so that the words are the ceiling.
        offer["max_usd"] = math.ceil((found.most_usd + kept.usd) / CENT) * CENT
    return plan, found


def plan_for(offer: Offer) -> Plan:
    """What an offer runs; a rubric that needs a judge and has none is judged by the first model itself.

    Raises:
        AdvisorError: the rubric cannot be read.
    """
    from tools.commands.evaluate import EvaluateQuery, plan_of

    models = tuple(row["tag"] for row in offer["models"])
    judge = offer.get("judge") or models[0]
    return plan_of(
        EvaluateQuery(models=models, rubric=offer["rubric"], judge=judge, max_cost=offer.get("max_usd"))
    )


def command_of(offer: Offer, *, judged: bool) -> str:
    """The same on the command line."""
    judge = ["--judge", offer.get("judge") or "MODEL"] if judged else []
    models = [row["tag"] for row in offer["models"]]
    words = ["llm-advisor", "evaluate", *models, "--rubric", offer["rubric"], *judge]
    if offer.get("max_usd"):
        words += ["--max-cost", f"{offer['max_usd']:.2f}"]
    return shlex.join(words)


def _names(offer: Offer) -> str:
    return listed([row["model"] for row in offer["models"]])


def _missing(parties: Sequence[Party], trouble: str, command: str) -> str:
    """What is to be done before it can run; empty where nothing is."""
    keys = list(dict.fromkeys(p.key for p in parties if p.key))
    pulls = [f"`ollama pull {p.pull}`" for p in parties if p.pull]
    if not keys and not pulls:
        return ""
    parts = [trouble] if pulls and trouble else []
    if pulls:
        gets = "gets the model" if len(pulls) == 1 else "get the models"
        parts.append(f"{listed(pulls)} {gets} first (here: /pull).")
    parts += keys
    return f"It cannot run yet. {' '.join(parts)} Then say **evaluate**, or run `{command}`."


def _unfit(offer: Offer, plan: Plan, found: Forecast, left: float | None) -> str:
    """Why a word is not enough to run it here; empty where it is."""
    command = command_of(offer, judged=plan.judged)
    if plan.judged and not offer.get("judge"):
        return (
            "Some checks need another model as judge, and there is none here: name one with --judge, "
            f"`{command}`, or take scenarios without such checks."
        )
    if found.most_usd is None:
        return f"With no price known I cannot keep a ceiling, so I do not run it: `{command}` does."
    if left is not None and found.most_usd > left:
        return (
            f"This conversation may spend only ${math.floor(left / CENT) * CENT:.2f} more (--max-cost), so I "
            f"do not run it: `{command}` does."
        )
    return ""


def _consent(offer: Offer, plan: Plan) -> str:
    """How to say yes, and to what."""
    usd = offer.get("max_usd")
    if not usd:
        return "Say **evaluate** (or yes) and I run it here; nothing runs before."
    paid = [
        name for name in (*plan.models, plan.judge if plan.judged else None) if name and not is_local(name)
    ]
    return (
        f"This spends money, {most_words(usd)}, and sends the scenarios to "
        f"{listed([f'`{name}`' for name in paid])}. May I? "
        "Say **evaluate** (or yes): I stop before it would cost more, and nothing is sent before."
    )


def _what(offer: Offer, plan: Plan, found: Forecast) -> str:
    """Scenarios, models, judge, time and cost."""
    judge = offer.get("judge")
    judged = f", judged by `{judge}`" if judge and plan.judged else ""
    begin = f"{len(plan.rubric.scenarios)} scenarios ({offer['rubric']}) over {_names(offer)}{judged}"
    if found.finished == len(plan.work()):
        return f"{begin}: all of them are answered already, so that nothing is asked again and nothing spent"
    most = offer.get("max_usd")
    cost = "a cost that is not known" if found.most_usd is None else "no cost"
    if most:
        cost = f"about ${found.usd or 0.0:.2f} where answers are as long as usual"
    done = f"; {found.finished} of {len(plan.work())} answers are there already" if found.finished else ""
    basis = next(iter(dict.fromkeys(share.basis for share in found.shares)), "")
    return f"{begin}: {about_time(found.seconds)}, {cost} ({basis}){done}"
