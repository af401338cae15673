"""What models this computer holds already: Ollama's store, the Hugging Face cache, llama.cpp's, added ones.

Folders are read, no server is asked, so that it holds offline too. What cannot be read is left out, and
nothing is raised. The list describes this computer: `for_machine` says where it may decide anything.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from tools.candidates import Candidate, Reason
from tools.hardware_types import Machine, same_accelerators
from tools.memory.types import Evidence
from tools.pulled_folders import Found, hugging_face, llama_cpp, ollama, roots, stamp

_SIZE_SLACK = 0.06
"""Ollama rounds a model's size to a few digits (`8.0B`)."""
_PLAIN_TAG = re.compile(r"(?:-(?:instruct|chat|it|qat|fp16|bf16|f16|q\d\w*|iq\d\w*|mxfp4))*", re.IGNORECASE)
_ENGINES = {"Ollama": ("ollama",), "GGUF": ("llama.cpp",), "safetensors": ("vllm", "sglang", "transformers")}
_LOADED_AS = ("F16", "BF16", "F32", "FP8")
"""Formats that an engine makes itself from the published safetensors files."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model of the catalog that lies on this computer."""

    model_id: str
    quant: str | None
    """None for safetensors files as they were published."""
    kind: str
    """`Ollama`, `GGUF` or `safetensors`."""
    name: str
    """Tag or repository."""
    folder: str
    size_bytes: int | None = None

    def serves(self, model_id: str | None, quant: str | None, engine: str | None) -> bool:
        """Whether an engine can use these very files for a configuration."""
        same = self.quant == quant if self.quant is not None else quant in _LOADED_AS
        return self.model_id == model_id and same and engine in _ENGINES[self.kind]


def pulled(folders: Sequence[tuple[str, Path]] | None = None) -> tuple[Pulled, ...]:
    """The models on this computer, read again only where a folder changed.

    Args:
        folders: kind and folder of each store; None takes those of the environment.
    """
    places = tuple(folders) if folders is not None else _usual()
    return _pulled(places, tuple(stamp(kind, folder) for kind, folder in places))


def _usual() -> tuple[tuple[str, Path], ...]:
    try:
        return roots(os.environ, Path.home())
    except RuntimeError:  # a system user without a home
        return ()


@follows_models
@lru_cache(maxsize=16)
def _pulled(places: tuple[tuple[str, Path], ...], stamps: tuple[float, ...]) -> tuple[Pulled, ...]:
    del stamps  # part of the key: a changed folder is another question
    readers: dict[str, Callable[[Path], Iterable[Found]]] = {
        "ollama": ollama,
        "huggingface": hugging_face,
        "llama.cpp": llama_cpp,
    }
    seen = [found for kind, folder in places for found in readers[kind](folder)]
    matched = [one for found in seen if (one := _matched(found)) is not None]
    return tuple(dict.fromkeys([*matched, *_added()]))


def _added() -> list[Pulled]:
    """Added models whose file lies where it was, or that an Ollama server held."""
    out = []
    for record in load_catalog().models:
        added = record.added
        if added is None or added.source == "hub":
            continue
        there = added.source == "ollama" or _is_file(Path(added.location))
        kinds = ("Ollama",) if added.source == "ollama" else ("GGUF", "Ollama")
        for model_id in (record.id, added.base_model if added.same_weights else None) if there else ():
            out += [
                Pulled(model_id, added.quant, kind, added.location, added.location, added.file_bytes)
                for kind in kinds
                if model_id is not None and (model_id == record.id or kind != "Ollama" or len(kinds) == 1)
            ]
    return out


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _matched(found: Found) -> Pulled | None:
    """The model of the catalog that a file or tag is; None where that is not certain."""
    record = _by_tag(found) if found.library else _by_repository(found)
    if record is None:
        return None
    return Pulled(record.id, found.quant, found.kind, found.name, found.folder, found.size_bytes)


def _by_tag(found: Found) -> ModelRecord | None:
    """A tag of Ollama's library: its name, with the size and family that its own description states.

    A tag alone is no proof: what it points at changes over time (`deepseek-r1:8b`).
    """
    name, _, tag = found.name.partition(":")
    for record in load_catalog().models:
        library, _, size = (record.ollama_tag or "").partition(":")
        if record.added is not None or library != name:
            continue
        plain = tag == "latest" or (tag.startswith(size) and _PLAIN_TAG.fullmatch(tag[len(size) :]))
        if plain and _same_size(found, record) and _same_family(found, record):
            return record
    return None


def _same_size(found: Found, record: ModelRecord) -> bool:
    if found.params_b is None or record.params_b is None:
        return not found.name.endswith(":latest")
    return abs(found.params_b - record.params_b) <= _SIZE_SLACK * record.params_b


def _same_family(found: Found, record: ModelRecord) -> bool:
    arch = record.architecture.arch if record.architecture is not None else None
    if found.family is None or arch is None:
        return True
    plain = [re.sub(r"[^a-z0-9]", "", word.lower()) for word in (found.family, arch)]
    return plain[0] == plain[1]


def _by_repository(found: Found) -> ModelRecord | None:
    """A repository: the model itself, its known GGUF repository, or one of the model's own name."""
    return _repositories().get(found.name.lower()) or _repositories().get(_bare(found.name))


def _bare(repository: str) -> str:
    return re.sub(r"[-_.]gguf$", "", repository.split("/", 1)[-1].lower())


@follows_models
@lru_cache(maxsize=1)
def _repositories() -> dict[str, ModelRecord]:
    out: dict[str, ModelRecord] = {}
    records = [record for record in load_catalog().models if record.added is None]
    names = Counter(record.name.lower() for record in records)
    for record in records:
        out[record.id.lower()] = record
        if record.gguf_repo is not None:
            out.setdefault(record.gguf_repo.lower(), record)
    for record in records:
        if names[record.name.lower()] == 1:
            out.setdefault(record.name.lower(), record)
    return out


# -- in a recommendation -----------------------------------------------------------------------------


def for_machine(machine: Machine | None, this: Callable[[], Machine]) -> tuple[tuple[Pulled, ...], bool]:
    """The models on this computer, and whether the machine of a recommendation is this computer.

    Args:
        machine: where the model is to run.
        this: detects this computer; asked only where a machine was named and models lie here.
    """
    there = pulled()
    if machine is None or not there:
        return there, machine is not None and machine.detected
    return there, machine.detected or same_accelerators(machine, this())


def marked(candidate: Candidate, there: Sequence[Pulled], *, here: bool) -> Candidate:
    """A candidate with whether its files lie on this computer, and a reason that says where.

    Args:
        candidate: the option.
        there: the models on this computer.
        here: the machine of the recommendation is this computer; else it is only mentioned.
    """
    c = candidate.configuration
    if c is None or candidate.kind == "api":
        return candidate
    exact = [one for one in there if _serves(one, candidate)]
    if exact:
        one, where = exact[0], _where(exact[0])
        text = f"Already on this computer: {where}."
        if not here:
            text = f"This computer holds it already ({where}); the machine asked for is another one."
        reason = Reason(text, (Evidence("tool", "models on this computer", one.folder),))
        own = {"pulled_name": one.name} if one.kind == "Ollama" and here else {}
        return replace(candidate, pulled=here, why=(*candidate.why, reason), extra={**candidate.extra, **own})
    other = next((one for one in there if one.model_id == candidate.model_id), None)
    if other is None or not here:
        return candidate
    text = (
        f"On this computer already in another form ({_where(other)}); {c.quant} on {c.engine} is a download."
    )
    reason = Reason(text, (Evidence("tool", "models on this computer", other.folder),))
    return replace(candidate, why=(*candidate.why, reason))


def _serves(one: Pulled, candidate: Candidate) -> bool:
    """Whether the very files can be used for an option; training starts from the published ones."""
    c = candidate.configuration
    if candidate.role == "finetune-base":
        return one.model_id == candidate.model_id and one.kind == "safetensors"
    return c is not None and one.serves(candidate.model_id, c.quant, c.engine)


def _where(one: Pulled) -> str:
    quant = f" in {one.quant}" if one.quant else ""
    return f"{one.name}{quant}, {'Ollama' if one.kind == 'Ollama' else one.kind + ' files'}"


def prefer_pulled(
    candidates: list[Candidate], is_tie: Callable[[Candidate, Candidate], bool]
) -> list[Candidate]:
    """The candidates, where one that lies here already comes before those that are no better.

    Args:
        candidates: best first.
        is_tie: whether two of them are too close to tell apart.
    """
    if not candidates or candidates[0].pulled:
        return candidates
    best = candidates[0]
    first = next((c for c in candidates[1:] if c.pulled and is_tie(c, best)), None)
    return candidates if first is None else [first, *(c for c in candidates if c is not first)]


def include_pulled(
    shown: list[Candidate],
    wide: list[Candidate],
    there: Sequence[Pulled],
    is_tie: Callable[[Candidate, Candidate], bool],
) -> list[Candidate]:
    """The options shown, with one that lies here and ties with the best in place of the last."""
    ids = {candidate.model_id for candidate in shown}

    def held(c: Candidate) -> bool:
        return any(_serves(one, c) for one in there)

    if not shown or any(held(c) and is_tie(c, shown[0]) for c in shown):
        return shown
    more = next((c for c in wide if c.model_id not in ids and held(c) and is_tie(c, shown[0])), None)
    return shown if more is None else [shown[0], more, *shown[1 : max(1, len(shown) - 1)]]
