"""The best API for the needs of a conversation, told beside what runs on a machine of one's own."""

from __future__ import annotations

from dataclasses import replace

from agent.reply import Reply
from tools.brief import Brief
from tools.candidates import Candidate, evidence_json
from tools.recommend import rank_for
from tools.task_mix import task_words


def of_the_api(brief: Brief, *, asked_price: bool) -> Reply | None:
    """The best API model for these needs; nothing where local models were recommended and no price asked."""
    if brief.mode == "local" and not asked_price:
        return None
    found = first_api(brief)
    return api_reply(found, brief) if found is not None else None


def first_api(brief: Brief) -> Candidate | None:
    """The best API for the same needs, whatever was said of APIs: who asks may know, with what it means.

    None for embedders and rerankers, of whose APIs the guides know the prices.
    """
    if brief.role in ("embedder", "reranker"):
        return None
    remote = replace(brief, mode="api", role="generator", private=False)
    return next(iter(rank_for(remote, 1).candidates), None)


def api_reply(candidate: Candidate, brief: Brief) -> Reply:
    price = " ".join(reason.text for reason in candidate.why)
    quality = candidate.quality
    leaves = " Your texts would leave the machine." if brief.mode == "local" or brief.private else ""
    window = f" It reads up to {candidate.context_length:,} tokens." if candidate.context_length else ""
    text = (
        f"**{candidate.model}** runs behind an API. Expected quality {quality.score:.0f} of 100 for "
        f"{task_words(brief.tasks)}, give or take {quality.spread:.0f}. {price}{window}{leaves}"
    )
    evidence = [e for reason in candidate.why for e in reason.evidence] + list(quality.basis[:2])
    return Reply(text, [evidence_json(e) for e in evidence])
