"""Several models in one line, as people type them: with commas, `vs`, or only spaces between."""

from __future__ import annotations

import re
from dataclasses import dataclass

from knowledge.catalog.records import ApiModel, ModelRecord
from knowledge.errors import AdvisorError
from tools.commands.benchmarks import id_of
from tools.commands.lookups import any_model_named

_BETWEEN = re.compile(r"[,;\n]|\s+(?:vs\.?|versus|and|against)\s+", re.IGNORECASE)
Found = ModelRecord | ApiModel


@dataclass(frozen=True, slots=True)
class Several:
    """What a line names."""

    models: tuple[Found, ...]
    """Each once, in the order of the line."""
    problems: tuple[tuple[str, str], ...]
    """A sentence and a hint for each name that leads to no model."""


def models_in(text: str) -> Several:
    """The models that a line names; a name that leads nowhere does not keep the others back."""
    found: dict[str, Found] = {}
    problems: list[tuple[str, str]] = []
    for part in _BETWEEN.split(text):
        for name in _names_in(part.split()):
            try:
                model, _ = any_model_named(name)
            except AdvisorError as error:
                problems.append((error.message, error.hint))
            else:
                found.setdefault(id_of(model), model)
    return Several(tuple(found.values()), tuple(problems))


def _names_in(words: list[str]) -> list[str]:
    """`qwen3 8b` is one name, `qwen3-8b gemma-3-12b` are two: as many words as still name one model."""
    names: list[str] = []
    at = 0
    while at < len(words):
        spans = [end for end in range(at + 1, len(words) + 1) if _is_model(" ".join(words[at:end]))]
        # Where each word is a model of its own, they are separate names.
        alone = at + 1 in spans and all(_is_model(word) for word in words[at:])
        end = at + 1 if alone or not spans else spans[-1]
        names.append(" ".join(words[at:end]))
        at = end
    return _joined(names)


def _joined(names: list[str]) -> list[str]:
    """Words in a row that lead nowhere are told as one name."""
    joined: list[str] = []
    for name in names:
        if joined and not _is_model(name) and not _is_model(joined[-1]):
            joined[-1] = f"{joined[-1]} {name}"
        else:
            joined.append(name)
    return joined


def _is_model(name: str) -> bool:
    try:
        any_model_named(name)
    except AdvisorError:
        return False
    return True
