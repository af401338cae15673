"""The measurement that would decide: proposed in the message of a recommendation, with its time and its cost.

Only the Ollama of this very machine is looked at, over loopback and with a short time limit; with --offline
not even that. Nothing is sent to a model before the person said so.
"""

from __future__ import annotations

from agent.offer_replies import Heard
from agent.proposing_words import REFUSED, Proposal
from agent.state import Offer
from knowledge.errors import AdvisorError
from tools.brief import brief_of
from tools.candidates import Recommendation
from tools.measuring.breaking import speed_could_decide
from tools.needs import Needs


def propose(
    found: Recommendation,
    needs: Needs,
    *,
    offline: bool,
    voice: str | None = None,
    left: float | None = None,
) -> Proposal | None:
    """The measurement that would decide about a recommendation; None where none would, or none can run.

    Speed where it could break a tie or is what was asked for, else scenarios. Reads what Ollama has on this
    machine, which takes 1.5 s at most: call it in a thread.

    Args:
        found: the recommendation.
        needs: what it was made for.
        offline: the network is forbidden, loopback included.
        voice: the model that words the conversation, which may judge another one's answers.
        left: dollars that the conversation may still spend; None without a ceiling.
    """
    if offline or not found.candidates:
        return None
    # Both bring an HTTP client along, which a conversation without a server never needs.
    from agent.proposed_bench import bench_of
    from agent.proposed_evaluation import Wish, proposed_unasked

    def by_scenarios() -> Proposal | None:
        return proposed_unasked(found.candidates, needs, Wish(voice=voice, left=left))

    def by_speed() -> Proposal | None:
        return bench_of(found.candidates, needs, asked=False)

    brief, first = brief_of(needs), found.candidates[0]
    tied = any(c.tied for c in found.candidates)
    if first.role == "finetune-base":
        order = [by_scenarios]
    elif not tied or speed_could_decide(found.candidates, brief):
        order = [by_speed, by_scenarios]
    elif any(row.of(first.model_id) is not None for row in brief.evaluated):
        order = []  # scenarios were tried, and speed could not decide either
    else:
        order = [by_scenarios, by_speed]
    try:
        return next((proposal for look in order if (proposal := look()) is not None), None)
    except AdvisorError:
        return None  # no server, or none that answers: there is nothing to propose


def proposed_when_asked(
    found: Recommendation,
    needs: Needs,
    wanted: Heard,
    *,
    offline: bool,
    voice: str | None = None,
    left: float | None = None,
) -> Proposal:
    """The same where the person asks for a measurement by name: what stands in its way is said.

    Args:
        found: the recommendation as it stands.
        needs: what it was made for.
        wanted: what is asked for.
        offline: the network is forbidden.
        voice: the model that words the conversation.
        left: dollars that the conversation may still spend; None without a ceiling.
    """
    if offline:
        return Proposal(REFUSED["offline"])
    if not found.candidates:
        return Proposal(REFUSED["nothing"])
    from agent.named_bench import named_bench
    from agent.proposed_bench import bench_of
    from agent.proposed_evaluation import Wish, evaluation_of, level_pair

    try:
        if wanted.tool == "evaluate":
            options = level_pair(found.candidates)
            if not options:
                return Proposal(REFUSED["no_text"])
            wish = Wish(wanted.rubric, asked=True, voice=voice, left=left)
            return evaluation_of(options, needs, wish, found.candidates)
        if wanted.models:
            return named_bench(wanted.models, needs)
        return bench_of(found.candidates, needs, asked=True) or Proposal(REFUSED["elsewhere"])
    except AdvisorError as error:
        # A yes looks again, when that is mended.
        named = list(wanted.models)
        waiting = Offer(tool=wanted.tool, models=[], rubric=wanted.rubric, named=named, fresh=True)
        then = f"Then say **{'evaluate' if wanted.tool == 'evaluate' else 'measure'}** again."
        return Proposal(f"{error.message} {error.hint} {then}".strip(), waiting)
