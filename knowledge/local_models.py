"""Models of the sentence-transformers kind on this machine: where they are, and which weights they have."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from knowledge.embedding import ANSWER_SECONDS, SECONDS_PER_TEXT, worker
from knowledge.embedding_prompts import prompts_of, tag
from knowledge.errors import NoAnswerError
from knowledge.home import expanded

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_DEFAULT_OWNER = "sentence-transformers"
_OUR_CODE = ("sentence_transformers.",)
_DIGITS = 12


class LocalModelError(NoAnswerError):
    """The model is not on this machine, or is none that can be loaded safely."""

    code = "model_missing"


@dataclass(frozen=True, slots=True)
class Place:
    """A model's folder."""

    label: str
    """As a person calls it: hub id, or the folder's name."""
    folder: Path
    revision: str | None
    """Commit of the hub, for a model of its cache; None for a folder of one's own."""

    def identity(self) -> str:
        """The label with the commit, or with a hash over all that decides the vectors."""
        return f"{self.label}@{self.revision or _content_hash(self.folder)}"


def is_folder(setting: str) -> bool:
    """Whether a setting names a folder, not a model of the hub."""
    return setting.startswith(("/", "./", "../", "~", ".\\", "..\\")) or expanded(setting).is_dir()


def find(setting: str) -> Place:
    """The model of a setting: a folder, or a hub id in the local Hugging Face cache.

    Raises:
        LocalModelError: it is not here, or it is none that can be loaded; the hint is the next step.
    """
    place = _own_folder(setting) if is_folder(setting) else _cached(setting)
    if not (place.folder / "config.json").is_file() and not (place.folder / "modules.json").is_file():
        raise LocalModelError(
            f"{setting} holds no sentence-transformers model: there is no config.json in it.",
            hint=_fetch(setting),
        )
    _check_weights(setting, place.folder)
    _check_code(setting, place.folder)
    return place


def hub_id(setting: str) -> str:
    """The hub id of a setting; a bare name belongs to the project sentence-transformers."""
    return setting if "/" in setting else f"{_DEFAULT_OWNER}/{setting}"


@dataclass(slots=True)
class LocalEmbedder:
    """An embedding model on this machine (`knowledge.embedding.Model`)."""

    setting: str
    dimensions: int | None = None
    _place: Place | None = None

    def place(self) -> Place:
        """Where it is, looked up once.

        Raises:
            LocalModelError: as `find`.
        """
        if self._place is None:
            self._place = find(self.setting)
        return self._place

    def identity(self) -> str:
        place = self.place()
        return place.identity() + tag(prompts_of(place.label))

    def command(self) -> list[str]:
        place = self.place()
        prompts = prompts_of(place.label)
        words = () if prompts is None else (prompts.query, prompts.passage)
        return worker("knowledge.embedding_worker", str(place.folder), *words)

    def seconds(self, count: int, query: bool) -> float:
        return ANSWER_SECONDS + SECONDS_PER_TEXT * count


def _own_folder(setting: str) -> Place:
    folder = expanded(setting).absolute()
    if not folder.is_dir():
        raise LocalModelError(
            f"There is no folder {setting}.", hint="Name the folder that holds the model's config.json."
        )
    return Place(folder.name, folder, None)


def _cached(setting: str) -> Place:
    name = hub_id(setting)
    if not HUB_ID.fullmatch(name):
        raise LocalModelError(
            f"{setting} is neither a folder nor a hub id.", hint="A hub id looks like intfloat/e5-small-v2."
        )
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        found = None
    if not isinstance(found, str):
        raise LocalModelError(
            f"The model {name} is not on this machine: `hf download {name}` fetches it.",
            hint="Then run `llm-advisor guides index`.",
        )
    folder = Path(found).parent
    return Place(name, folder, folder.name[:_DIGITS])


def _fetch(setting: str) -> str:
    if is_folder(setting):
        return "Name the folder that a sentence-transformers model was saved to."
    return f"Fetch it with `hf download {hub_id(setting)}`."


def _check_weights(setting: str, folder: Path) -> None:
    """Weights in pickle files can run code when they are read; they are not."""
    if not any(folder.rglob("*.safetensors")):
        raise LocalModelError(
            f"{setting} has no weights in safetensors files.",
            hint=f"Only those are loaded, because others can run code. {_fetch(setting)}",
        )


def _check_code(setting: str, folder: Path) -> None:
    """A model may name classes in Python files of its own; nothing of that is loaded."""
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        types = [str(module["type"]) for module in modules]
    except FileNotFoundError:
        return  # a bare transformer: mean pooling is put on top
    except (OSError, ValueError, TypeError, KeyError):
        raise LocalModelError(
            f"The modules.json of {setting} cannot be read.", hint=_fetch(setting)
        ) from None
    if any(not name.startswith(_OUR_CODE) for name in types):
        raise LocalModelError(
            f"{setting} needs Python code of its own, which is not run.",
            hint="Choose a model that sentence-transformers loads without trust_remote_code.",
        )


def _content_hash(folder: Path) -> str:
    """Over names and bytes of the files that decide a vector: weights, tokenizer, configurations."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".safetensors", ".json", ".txt", ".model") and path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode("utf-8", "surrogatepass"))
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:_DIGITS]
