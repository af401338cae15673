"""What may stand after an option: names of models, accelerators and the like, read without checking them.

A press of Tab must not wait for the catalog, so the data files are read as plain JSON; what cannot be read
gives no names.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from knowledge.home import SESSIONS, home

KNOWLEDGE = Path(__file__).resolve().parent.parent.parent / "knowledge"
DATA = KNOWLEDGE / "catalog" / "data"
GUIDES = KNOWLEDGE / "guides"
CHAT_MODELS = ("guided", "auto", "ollama_chat/")
CACHE_TYPES = ("f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "fp8", "auto")


def _records(name: str) -> list[dict[str, Any]]:
    try:
        found = json.loads((DATA / name).read_bytes())
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def models() -> list[str]:
    """Names of the models, those that a person added first."""
    added = sorted(path.stem.removeprefix("m-") for path in (home() / "models").glob("m-*.json"))
    return [*added, *sorted({str(record["id"]).rpartition("/")[2] for record in _records("models.json")})]


def gpus() -> list[str]:
    """Names of the accelerators."""
    return [str(record["name"]) for record in _records("accelerators.json")]


def quantizations() -> list[str]:
    """Names of the quantizations."""
    return [str(record["id"]) for record in _records("quantizations.json")]


def engines() -> list[str]:
    """Names of the engines."""
    return [str(record["id"]) for record in _records("engines.json")]


def licenses() -> list[str]:
    """Ids of the licenses."""
    return [str(record["id"]) for record in _records("licenses.json")]


def sessions() -> list[str]:
    """Names of the saved conversations of this computer, without opening any."""
    path = home() / SESSIONS
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=0.1)) as file:
            rows = file.execute(
                "SELECT thread_id FROM checkpoints GROUP BY thread_id ORDER BY MAX(checkpoint_id) DESC"
            )
            return [str(row[0]) for row in rows]
    except (OSError, sqlite3.Error, ValueError):
        return []


def guides() -> list[str]:
    """Files of the shipped guides."""
    return sorted(path.name for path in GUIDES.glob("*.md"))


def chat_models() -> list[str]:
    """Who may word the answers."""
    return list(CHAT_MODELS)


OF_ANY: dict[str, Callable[[], Iterable[str]]] = {
    "model": models,
    "models": models,
    "base": models,
    "candidates": models,
    "gpu": gpus,
    "hardware": gpus,
    "use_hardware": gpus,
    "training_hardware": gpus,
    "buy": gpus,
    "quant": quantizations,
    "engine": engines,
    "kv_cache_type": lambda: CACHE_TYPES,
    "license": licenses,
    "session": sessions,
    "passage": guides,
}
"""By the name of the parameter, in every command that has no own row below."""
OF_COMMAND: dict[tuple[str, str], Callable[[], Iterable[str]]] = {
    ("chat", "model"): chat_models,
    ("serve", "model"): chat_models,
    ("plan stack", "candidates"): tuple,
    ("guides check", "names"): guides,
    ("sessions show", "name"): sessions,
    ("sessions rename", "name"): sessions,
    ("sessions export", "name"): sessions,
    ("sessions delete", "name"): sessions,
}
FILES = {
    ("guides add", "paths"),
    ("sessions export", "output"),
    ("recommend", "needs"),
    ("models add", "source"),
}
"""Parameters that take a path."""


def values(command: str, parameter: str) -> Iterable[str]:
    """The names that a parameter may have; none where it takes anything else."""
    found = OF_COMMAND.get((command, parameter)) or OF_ANY.get(parameter)
    return found() if found is not None else ()
