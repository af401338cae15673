"""The measurement of models that the person names: `measure qwen3:8b and gemma3:4b`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.proposing_words import REFUSED, Proposal, bench_words, pull_words
from agent.state import Offer
from agent.wording import listed
from knowledge.catalog.names import resolve_model
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import AmbiguousNameError, NoAnswerError
from tools import hardware
from tools.brief import Brief, brief_of
from tools.measured_choice import as_it_is
from tools.measuring.deciding import (
    MOST,
    bench_seconds,
    library_tag,
    machine_here,
    models_here,
    tag_of,
    tags_of,
)
from tools.measuring.forecast import OFFERED
from tools.measuring.machine import machine_key
from tools.needs import Needs
from tools.versus import ROLES, standing_of


@dataclass(frozen=True, slots=True)
class _Named:
    """A model that was named, as this machine's Ollama has it."""

    name: str
    model_id: str
    tag: str | None
    """None where it has to be pulled."""
    pull: str | None
    """What Ollama pulls; None where no upload is known."""
    seconds: float


def named_bench(names: Sequence[str], needs: Needs) -> Proposal:
    """The measurement of the models of some names, with its time; nothing of it runs before a word.

    Args:
        names: as the person wrote them; at most `MOST` are measured at a time.
        needs: what the conversation knows, the machine above all.

    Raises:
        AdvisorError: no Ollama answers here.
    """
    brief = as_it_is(brief_of(needs))
    machine = machine_here(brief.machine, hardware.detect_machine)
    there = None if machine is None else models_here()
    if machine is None or there is None:
        return Proposal(REFUSED["elsewhere"])
    tags = tags_of(there)
    try:
        known = [_known(name, tags) for name in names]
    except NoAnswerError as error:
        return Proposal(f"{error.message} {error.hint}".strip())
    silent = [record.name for record in known if record.kind in ROLES]
    if silent:
        return Proposal(f"{listed(silent)} writes no text; I measure models that do.")
    chosen = [_found(name, record, tags, brief) for name, record in zip(names, known, strict=True)]
    served = [one for one in chosen if one.tag is not None]
    missing = [one.pull for one in chosen if one.tag is None and one.pull is not None]
    unknown = [one.name for one in chosen if one.tag is None and one.pull is None]
    if not served and not missing:
        return Proposal(
            f"This machine's Ollama does not have {listed(unknown)}, and I know of no upload that it pulls."
        )
    if not served:
        waiting = Offer(tool="bench", models=[], named=list(names), fresh=True)
        return Proposal(pull_words("", missing), waiting)
    now, later = served[:MOST], [one.name for one in served[MOST:]]
    rows = [{"model": one.name, "model_id": one.model_id, "tag": str(one.tag)} for one in now]
    offer = Offer(tool="bench", models=rows, machine=machine_key(machine), fresh=True)
    text = bench_words("", [row["tag"] for row in rows], sum(one.seconds for one in now), missing)
    rest = f" I measure {MOST} at a time: {listed(later)} after that." if later else ""
    return Proposal(text + rest, offer)


def _known(name: str, tags: Mapping[str, Sequence[str]]) -> ModelRecord:
    """The model of a name; of several that it may mean, one that the server has.

    Raises:
        NoAnswerError: the name is unknown, or means several of which the server has none.
    """
    catalog = load_catalog()
    try:
        return resolve_model(catalog, name)
    except AmbiguousNameError as error:
        pulled = [one for one in error.choices if one.lower() in tags]
        if len(pulled) != 1:
            raise
        return catalog.by_id[pulled[0].lower()]


def _found(name: str, record: ModelRecord, tags: Mapping[str, Sequence[str]], brief: Brief) -> _Named:
    option = standing_of(record, brief).option
    c = option.configuration if option is not None else None
    exact = next((tag for tag in tags.get(record.id.lower(), ()) if tag.lower() == name.lower()), None)
    tag = exact or tag_of(record.id, c.quant if c is not None else None, tags)
    if option is None or brief.machine is None:
        return _Named(record.name, record.id, tag, record.ollama_tag, OFFERED.seconds)
    return _Named(record.name, record.id, tag, library_tag(option), bench_seconds(option, brief.machine))
