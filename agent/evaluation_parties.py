"""Who takes part in a proposed evaluation: the options, what still stands in their way, and the judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.catalog.api_models import is_local_provider
from knowledge.errors import AdvisorError
from knowledge.keys import find_key, variables_of
from tools.candidates import Candidate
from tools.evaluation.kinship import related
from tools.measuring.deciding import library_tag, models_here, tag_for, tags_of
from tools.needs import Needs
from tools.ollama_models import ServerModel


@dataclass(frozen=True, slots=True)
class Here:
    """The Ollama of this computer."""

    models: Sequence[ServerModel] = ()
    trouble: str = ""
    """Why it cannot be asked."""


@dataclass(frozen=True, slots=True)
class Party:
    """One option, as it would be asked."""

    candidate: Candidate
    asked: str
    """As LiteLLM takes it; empty where nobody serves it."""
    key: str = ""
    """What is to be done about its key; empty where it is set, or none is needed."""
    pull: str = ""
    """The tag that is to be pulled first; empty where it is there."""

    @property
    def ready(self) -> bool:
        """Whether it can be asked now."""
        return bool(self.asked) and not self.key and not self.pull


def ollama_here() -> Here:
    """What this computer's Ollama has; nothing, and why, where none answers: the rest is worth telling."""
    try:
        found = models_here()
    except AdvisorError as error:
        return Here(trouble=f"{error.message} {error.hint}".strip())
    return (
        Here(found) if found is not None else Here(trouble="The Ollama that is set is on another computer.")
    )


def party_of(candidate: Candidate, here: Here, *, keyring: bool) -> Party:
    """An option as it would be asked.

    Args:
        candidate: the option.
        here: the Ollama of this computer.
        keyring: whether a key may be looked for in the system keyring, which may ask the person.
    """
    if candidate.kind == "api":
        name = str(candidate.model_id)
        return Party(candidate, name, key=_key(name, keyring=keyring))
    pulled = tag_for(candidate, tags_of(here.models))
    tag = pulled or library_tag(candidate)
    if tag is None:
        return Party(candidate, "")
    return Party(candidate, f"ollama_chat/{tag}", pull="" if pulled else tag)


def _key(model: str, *, keyring: bool) -> str:
    if not variables_of(model):
        return f"Which variable holds the key of {model} is not known here, so I do not run it."
    found = find_key(model, keyring=keyring)
    return f"{found.variable} is not set. {found.hint}" if found.missing else ""


def judge_of(
    parties: Sequence[Party], here: Here, voice: str | None, spare: Sequence[Candidate], needs: Needs
) -> str:
    """Another model than those that answer: that of the conversation, the largest on the server, or an API.

    One that is no relative of theirs is preferred. Where everything is to stay local, no API judges.

    Args:
        parties: those that answer.
        here: the Ollama of this computer.
        voice: the model that words the conversation.
        spare: further options, whose API may judge where its key is set.
        needs: say whether anything may leave the machine.
    """
    asked = {party.asked for party in parties}
    own = [m for m in here.models if not m.remote and not m.embedder]
    named = [voice] if voice is not None else []
    named += [f"ollama_chat/{m.name}" for m in sorted(own, key=lambda m: -m.size_bytes)]
    named += [str(c.model_id) for c in spare if c.kind == "api" and not _key(str(c.model_id), keyring=False)]
    private = stays_here(needs)
    can = [name for name in named if name not in asked and (is_local(name) or not private)]
    return min(can, key=lambda name: sum(related(name, other) is not None for other in asked), default="")


def stays_here(needs: Needs) -> bool:
    """Whether the person wants everything on the own machine."""
    where = needs.deployment.value if needs.deployment is not None else None
    return where is not None and (where.mode == "local" or where.private)


def is_local(name: str) -> bool:
    """Whether a LiteLLM model is served by the person's own server."""
    return is_local_provider(name.partition("/")[0])
