"""What belongs to a model beside its record: its maker, its kin, and the lines that get and run it."""

from __future__ import annotations

from typing import Any

from knowledge.catalog.lineage import bases_of, made_from
from knowledge.catalog.publishers import publisher_of, publishers
from knowledge.catalog.records import ApiModel, ModelRecord
from knowledge.catalog.store import load_catalog
from tools.candidates import Candidate, Configuration, QualityFigure
from tools.commands.lookups import CHAT_MODES
from tools.commands.memory import DEFAULTS, usual_format
from tools.engines import has_gguf
from tools.hardware_types import Machine
from tools.kin import group_of, original_of
from tools.license_types import LicenseFigure
from tools.licensing import judge
from tools.memory.generic import is_encoder
from tools.needs import LicenseNeed, Role
from tools.roles.common import local_candidate
from tools.runbook import commands_for

Document = dict[str, Any]
MOST_KIN = 8
ROLES: dict[str, Role] = {"embedding": "embedder", "reranker": "reranker", "encoder": "classifier"}
UNJUDGED = QualityFigure(0.0, 0.0, False)
"""Commands do not depend on quality."""


def relations(model: ModelRecord) -> Document:
    """Maker, bases, derivatives, siblings and commands of a model of the catalog.

    Returns:
        `maker` (name and ISO country, or None), `made_from`, `derivatives` and `siblings` (hub ids; siblings
        are of the same family and role, the nearest in size first), `commands` (label and shell each).
    """
    bases = list(bases_of(model))
    original = original_of(model.id)
    if not bases and original is not None:
        bases = [original.id]
    return {
        "maker": _maker(model.origin_id),
        "made_from": bases,
        "derivatives": list(made_from(model.id))[:MOST_KIN],
        "siblings": _siblings(model),
        "commands": [{"label": line.label, "shell": line.shell} for line in _local_commands(model)],
    }


def api_relations(model: ApiModel) -> Document:
    """The same of a model behind an API: its maker and the line that calls it."""
    license_ = LicenseFigure(id="api terms", commercial_use="unknown", note=None)
    candidate = Candidate(
        model=model.key,
        model_id=model.key,
        kind="api",
        role="generator",
        params_total_b=None,
        params_active_b=None,
        features=(),
        context_length=model.max_input_tokens,
        release_date=None,
        hardware=None,
        owned=False,
        configuration=None,
        quality=UNJUDGED,
        license=license_,
        utility=0.0,
    )
    return {
        "maker": _maker(model.provider),
        "commands": [{"label": line.label, "shell": line.shell} for line in commands_for(candidate)]
        if model.mode in CHAT_MODES
        else [],
    }


def _maker(name: str) -> Document | None:
    """Who publishes the models of an organization or provider; None where it is not known."""
    maker = publisher_of(name)
    if maker is None:
        return None
    return {"name": maker.name, "country": maker.country, "source": maker.basis or publishers().source}


def _siblings(model: ModelRecord) -> list[str]:
    """Others of its family that do the same work, the nearest in size first."""
    size = model.params_total
    others = [
        other
        for other in load_catalog().models
        if other.family == model.family
        and group_of(other) == group_of(model)
        and other.id != model.id
        and other.added is None
    ]

    def apart(other: ModelRecord) -> tuple[float, str, str]:
        far = abs(other.params_total / size - 1) if size and other.params_total else 1e9
        return far, other.release_date or "", other.id

    return [other.id for other in sorted(others, key=apart)[:MOST_KIN]]


def _local_commands(model: ModelRecord) -> tuple[Any, ...]:
    """Lines for the usual format: Ollama where there are GGUF files, else the model's own engine."""
    quant, engine = usual_format(model)
    if not is_encoder(model) and has_gguf(model):
        engine = "ollama"
    context = min(DEFAULTS.context, model.context_length or DEFAULTS.context)
    configuration = Configuration(
        quant=quant,
        engine=engine,
        context=context,
        parallel=1,
        kv_cache_type=DEFAULTS.kv_cache_type,
        memory=None,
        available_bytes=0,
        fits=True,
    )
    verdict = judge(model, LicenseNeed(use="any"), load_catalog().license_of(model))
    role: Role = ROLES.get(model.kind, "generator")
    anywhere = Machine("any machine")
    return commands_for(local_candidate(model, anywhere, role, configuration, UNJUDGED, verdict))
