"""What every role shares: which models may stand for a task, and the constraints that need no solving."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from tools.brief import Brief
from tools.candidates import Candidate, Configuration, QualityFigure, Rejected
from tools.expected import Expected
from tools.hardware import describe
from tools.hardware_types import Machine
from tools.licensing import Verdict, judge
from tools.needs import LicenseNeed, Role, Task
from tools.utility import table
from tools.wishes import is_called, kind_refusal, names_of, place_refusal, unknown_place


def local_candidate(
    model: ModelRecord,
    machine: Machine,
    role: Role,
    configuration: Configuration | None,
    quality: QualityFigure,
    verdict: Verdict,
) -> Candidate:
    """A model, mostly solved, as a candidate, still without utility, reasons and commands."""
    return Candidate(
        model=model.name,
        model_id=model.id,
        kind="local",
        role=role,
        params_total_b=round(model.params_total / 1e9, 4) if model.params_total else None,
        params_active_b=active_b(model),
        features=features_of_model(model),
        context_length=model.context_length,
        release_date=model.release_date,
        hardware=describe(machine),
        owned=not machine.rented,
        configuration=configuration,
        quality=quality,
        license=verdict.figure,
        utility=0.0,
    )


NEAR = 18.0
"""Points of utility below the best within which a faster or smaller option is still worth a look."""
QUICKER = 1.5
SMALLER = 0.7
"""What is clearly faster, or smaller, than the best, as a share of it."""


@dataclass(slots=True)
class Ranked:
    """What a role's ranking gives back."""

    candidates: list[Candidate] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


@cache
def _specialists() -> tuple[tuple[tuple[re.Pattern[str], frozenset[str]], ...], dict[str, frozenset[str]]]:
    data = resources.files("tools").joinpath("data/specialists.json").read_bytes()
    document = TypeAdapter(dict[str, Any]).validate_json(data)
    rules = tuple((re.compile(rule["match"]), frozenset(rule["tasks"])) for rule in document["rules"])
    return rules, {kind: frozenset(tasks) for kind, tasks in document["kinds"].items()}


@cache
def stands_for(model_id: str, kind: str, task: Task) -> bool:
    """Whether a model is meant for a task: narrow specialists and base models are not general candidates."""
    rules, kinds = _specialists()
    if kind in kinds and task not in kinds[kind]:
        return False
    name = model_id.split("/", 1)[-1]
    return all(task in tasks for pattern, tasks in rules if pattern.search(name))


def speaks(model: ModelRecord, languages: Iterable[str]) -> bool | None:
    """Whether a model covers the languages; None where its languages are not known."""
    wanted = [code for code in languages if code not in ("en", "multi")]
    if "multi" in tuple(languages):
        return bool(model.multilingual) if model.multilingual is not None else None
    if not wanted:
        return True
    if model.languages and all(code in model.languages for code in wanted):
        return True
    if model.multilingual:  # a list without the language says less than a list with it
        return None if model.languages else True
    return False if model.languages else None


def feature_gap(model: ModelRecord, feature: str) -> bool | None:
    """True where a wanted feature is missing, False where it is there, None where it is not known."""
    if feature == "vision":
        return None if model.vision is None else not model.vision
    if feature == "tool_calling":
        return None if model.tool_calling is None else not model.tool_calling
    if feature == "thinking":
        return None if model.thinking is None else model.thinking == "no"
    if feature == "multilingual":
        return None if model.multilingual is None else not model.multilingual
    return False  # structured output: every local engine can constrain decoding to a grammar


def size_wish(model: ModelRecord, brief: Brief) -> str | None:
    """Why a model is outside the sizes that the person asked for."""
    wish, size = brief.wish, model.params_b
    if size is None:
        return "its size is not known" if wish.min_params_b or wish.max_params_b else None
    if wish.min_params_b is not None and size < wish.min_params_b:
        return f"{size:.1f}B parameters, at least {wish.min_params_b:g}B were asked for"
    if wish.max_params_b is not None and size > wish.max_params_b:
        return f"{size:.1f}B parameters, at most {wish.max_params_b:g}B were asked for"
    return None


def static_refusal(model: ModelRecord, brief: Brief, verdict: Verdict) -> tuple[str, str] | None:
    """The first constraint that excludes a model whatever its configuration: (reason, constraint)."""
    names = names_of(model.id, model.family)
    if is_called(brief.wish.excluded, *names):
        return "you ruled it out", "model"
    families = () if brief.wish.named else brief.wish.families
    if families and not is_called(families, *names):
        return f"you asked for {' or '.join(families)}", "model"
    wrong = (
        size_wish(model, brief)
        or place_refusal(brief.wish, model.origin_id, model.id, model.family)
        or kind_refusal(brief.wish, model)
    )
    if wrong:
        return wrong, "model"
    if not verdict.allowed:
        return verdict.reason, "license"
    if speaks(model, brief.languages) is False:
        return f"does not list {', '.join(brief.languages)} among its languages", "languages"
    for feature in brief.features:
        if feature_gap(model, feature):
            return f"no {feature.replace('_', ' ')}", "features"
    return None


def license_verdict(model: ModelRecord, brief: Brief) -> Verdict:
    """The license of a catalog model against the intended use."""
    return _verdict(model.id, brief.license)


@follows_models
@lru_cache(maxsize=8192)
def _verdict(model_id: str, need: LicenseNeed) -> Verdict:
    model = load_catalog().by_id[model_id.lower()]
    return judge(model, need, load_catalog().license_of(model))


def cautious(quality: QualityFigure | Expected) -> float:
    """Quality with a part of its uncertainty taken off."""
    return quality.score - float(table()["caution"][quality.grade]) * quality.spread


def active_b(model: ModelRecord) -> float | None:
    """Billions of parameters that a token passes through: all of a dense model's; None where unknown."""
    if model.params_active is not None:
        return round(model.params_active / 1e9, 4)
    dense = model.architecture is not None and model.architecture.experts is None
    return round(model.params_total / 1e9, 4) if dense and model.params_total else None


def license_score(verdict: Verdict) -> float:
    return float(table()["license_score"][verdict.figure.commercial_use])


def features_of_model(model: ModelRecord) -> tuple[str, ...]:
    """The features that are known to be there."""
    found = [
        name
        for name, there in (
            ("tool_calling", model.tool_calling),
            ("thinking", model.thinking in ("yes", "hybrid")),
            ("vision", model.vision),
            ("multilingual", model.multilingual),
        )
        if there
    ]
    return (
        (*found, "structured_output")
        if model.kind not in ("embedding", "reranker", "encoder")
        else tuple(found)
    )


def unknowns(model: ModelRecord, brief: Brief) -> tuple[str, ...]:
    """What was asked for and is not known of this model, in words."""
    found = []
    if speaks(model, brief.languages) is None:
        found.append(
            f"It is not known to know {', '.join(brief.languages)}: test it on that before you rely on it."
        )
    seat = unknown_place(brief.wish, model.origin_id)
    found += [seat] if seat else []
    found += [
        f"Whether it has {feature.replace('_', ' ')} is not known."
        for feature in brief.features
        if feature_gap(model, feature) is None
    ]
    return tuple(found)


def diverse(candidates: list[Candidate], count: int) -> list[Candidate]:
    """The best, then others that have something to offer beside it; order by utility.

    The best of another family, one that is clearly faster, one that is clearly smaller, and more families. An
    option that another one beats in everything is no choice, and only fills the list where too few are left.
    """
    if not candidates:
        return []
    ordered = sorted(candidates, key=lambda c: -c.utility)
    best = ordered[0]
    useful = [c for c in ordered[1:] if not any(beats(other, c) for other in ordered)]
    near = [c for c in useful if c.utility > best.utility - NEAR]
    other = (c for c in useful if family_of(c) != family_of(best))
    quick = (c for c in near if _mid(c) > QUICKER * _mid(best))
    small = (c for c in near if 0 < c.used_bytes < SMALLER * best.used_bytes)
    chosen = [best]
    for kind in (other, quick, small):
        found = next((c for c in kind if c not in chosen), None)
        if found is not None and len(chosen) < count:
            chosen.append(found)
    for candidate in near:
        if len(chosen) < count and family_of(candidate) not in {family_of(c) for c in chosen}:
            chosen.append(candidate)
    for candidate in (*near, *useful, *ordered):
        if len(chosen) < count and candidate not in chosen:
            chosen.append(candidate)
    return sorted(chosen, key=lambda c: -c.utility)


def beats(one: Candidate, other: Candidate) -> bool:
    """Whether an option is better for sure and in nothing worse: quality, speed, memory, license, price."""
    if one is other or one.kind != other.kind or one.scores is None or other.scores is None:
        return False
    surely = one.quality.score - other.quality.score > math.hypot(one.quality.spread, other.quality.spread)
    parts = ("speed", "memory", "license", "context", "cost")
    return (
        surely
        and _mid(one) >= 0.95 * _mid(other)
        and one.used_bytes <= 1.05 * other.used_bytes
        and all(getattr(one.scores, part) >= getattr(other.scores, part) for part in parts)
    )


def family_of(candidate: Candidate) -> str:
    return str(candidate.extra.get("family", candidate.model))


def _mid(candidate: Candidate) -> float:
    c = candidate.configuration
    return c.speed.mid if c and c.speed else 0.0
