"""Models that a person added: one JSON file each in the state folder, written whole or not at all.

A file holds the record and a digest of it. What does not match its digest (a half-written file, an edit by
hand) is left out with one warning, and the rest goes on: a record is checked once, when it is added.
"""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from knowledge.catalog.records import ModelRecord
from knowledge.errors import AdvisorError, UnknownNameError, UsageError
from knowledge.files import json_digest, replace_text
from knowledge.home import home

PREFIX = "local/"
"""Beginning of the ids of added models, which no hub id has."""
FORMAT = 1
MAX_BYTES = 16 << 20
MAX_MODELS = 1000
MAX_NAME = 96
_UNFIT = re.compile(r"[^A-Za-z0-9._+-]+")
_log = logging.getLogger("llm_advisor.models")


def added_folder() -> Path:
    """Where added models lie (not created)."""
    return home() / "models"


def added_name(text: str) -> str:
    """A name for an added model: letters, digits and `._+-`, never a path.

    Raises:
        UsageError: nothing is left of the text.
    """
    name = _UNFIT.sub("-", text.strip()).strip("-.")[:MAX_NAME].rstrip("-.")
    if not name:
        raise UsageError("The name of the model has no letter or digit.", hint="Give one with --name.")
    return name


def _path(name: str) -> Path:
    # A letter in front keeps names that a system reserves (`con`, `nul`) apart from its devices.
    return added_folder() / f"m-{name.lower()}.json"


def read_added(folder: Path) -> tuple[ModelRecord, ...]:
    """All added models by name; a damaged file is left out, which one warning says."""
    try:
        with os.scandir(folder) as entries:
            paths = sorted(Path(entry) for entry in entries if entry.name.endswith(".json"))
    except OSError:
        return ()
    found = []
    for path in paths[:MAX_MODELS]:
        try:
            found.append(_read(path))
        except (OSError, ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
            _log.debug("%s: %s", path, error)
            _log.warning(
                "The added model in %s is damaged and left out; add it again, or delete the file.", path.name
            )
    return tuple(found)


def _read(path: Path) -> ModelRecord:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError("too large")
    stored: Any = json.loads(data)
    if stored["format"] != FORMAT or stored["digest"] != json_digest(stored["record"]):
        raise ValueError("other format, or not what was written")
    record = ModelRecord.model_validate(stored["record"])
    if record.added is None or not record.id.startswith(PREFIX):
        raise ValueError("no added model")
    return record


def write_added(record: ModelRecord) -> bool:
    """Stores an added model; one of the same name is replaced.

    Returns:
        Whether there was one.

    Raises:
        AdvisorError: the state folder cannot be written.
    """
    path, content = (
        _path(record.id.removeprefix(PREFIX)),
        record.model_dump(mode="json", exclude_defaults=True),
    )
    text = json.dumps({"format": FORMAT, "digest": json_digest(content), "record": content}, allow_nan=False)
    if len(text) > MAX_BYTES:
        raise UsageError("The model has too many different tensors to be stored.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replaced = path.is_file()
        replace_text(path, text)
    except OSError as error:
        raise AdvisorError(
            f"The model cannot be stored: {error.strerror or type(error).__name__}.",
            hint=f"Check the folder {path.parent}, or set LLM_ADVISOR_HOME to another one.",
            code="not_stored",
        ) from None
    return replaced


def remove_added(name: str) -> str:
    """Forgets an added model, also a damaged one.

    Args:
        name: its name, with or without `local/`.

    Returns:
        The id that it had.

    Raises:
        UnknownNameError: no model of this name was added.
        AdvisorError: its file cannot be deleted.
    """
    plain = name.strip()
    plain = plain[len(PREFIX) :] if plain.lower().startswith(PREFIX) else plain
    path = _path(plain)
    # A name that is no name would lead out of the folder.
    if not plain or _UNFIT.search(plain) or not path.is_file():
        known = ", ".join(record.id for record in read_added(added_folder())[:8])
        raise UnknownNameError(
            f"No model called `{plain[:60]}` was added.",
            hint=f"Added: {known}." if known else "`llm-advisor models list --added` shows them.",
        )
    try:
        path.unlink()
    except OSError as error:
        raise AdvisorError(
            f"The model cannot be removed: {error.strerror or type(error).__name__}.",
            hint=f"Delete {path}.",
            code="not_removed",
        ) from None
    return PREFIX + plain
