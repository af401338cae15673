"""Two or more named options against each other: which comes first for the needs, and why."""

from __future__ import annotations

import re

from agent.answers import Told
from agent.understanding import Understanding
from knowledge.catalog.api_models import find_api_names
from knowledge.errors import AdvisorError
from tools.brief import Brief
from tools.commands.lookups import any_model_named
from tools.recommend import rank_for
from tools.versus import standing_of, versus

MOST = 4
AGAINST = re.compile(
    r"\bwhy\b.{1,80}?\b(?:not|instead of|rather than|over|before|ahead of)\b|\bbetter than\b"
    r"|\b(?:compare|versus|vs)\b|\bwarum\b.{1,80}?\b(?:nicht|statt)\b",
    re.IGNORECASE,
)
CLOSED = re.compile(r"(?:^|/)(?:gpt-[3-9]|chatgpt|o[134]\b|claude|gemini|grok)")
"""Keys of models that nobody can download."""
THIS = re.compile(r"\b(?:this|that|it|the first|your (?:choice|pick|recommendation))\b", re.IGNORECASE)


def side_by_side(read: Understanding, question: str, brief: Brief, last: list[str]) -> Told | None:
    """Which of the models that a question sets against each other comes first; None for any other question.

    Args:
        read: the message as understood.
        question: the question.
        brief: the needs, filled.
        last: the models of the last recommendation, best first.
    """
    if AGAINST.search(question) is None:
        return None
    names = _named(read, question, last)
    if len(names) < 2:
        return None
    ids = {c.model: str(c.model_id) for c in rank_for(brief).candidates if c.model_id is not None}
    try:
        models = [any_model_named(ids.get(name, name))[0] for name in names[:MOST]]
    except AdvisorError:
        return None
    found = versus([standing_of(model, brief) for model in models], brief)
    return None if found is None else (found.text, list(found.evidence))


def _named(read: Understanding, question: str, last: list[str]) -> list[str]:
    """The options of a question: named ones, places in the last answer, `this one`, models behind an API."""
    names = list(dict.fromkeys(read.mentions.models))
    if len(names) < 2 and last and THIS.search(question):
        names = list(dict.fromkeys([last[0], *names]))
    remote = [model.key for _, _, model in find_api_names(question.lower())]
    # An open model is also served by providers: beside local ones only what cannot be downloaded is added.
    names += [key for key in remote if len(names) < 2 or CLOSED.search(key)]
    return list(dict.fromkeys(names))
