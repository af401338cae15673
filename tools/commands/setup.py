"""What is found on this machine for the chat: an Ollama server with its models, and keys of API providers.

Each look is one call for a thread; none raises for what it finds.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from knowledge.errors import AdvisorError
from knowledge.keys import find_key, key_providers
from knowledge.ollama import is_this_machine, ollama_url
from tools.chat_model import choose_model, needed_bytes, places_of, suggest_pull
from tools.hardware import detect_machine
from tools.hardware_types import Machine
from tools.ollama_models import ServerModel, list_models, loaded_bytes

Document = dict[str, Any]
CONTEXT = 8192
"""Tokens that a conversation takes at most, for whether a model fits."""


def look_for_ollama(*, offline: bool) -> Document:
    """The server of this machine: whether it answers, its models, which one is best, and what to pull.

    A server on another machine is not asked before somebody chooses one of its models.

    Args:
        offline: nothing is asked at all.
    """
    if offline:
        return _found("skipped", "not looked for, because of --offline")
    try:
        address = ollama_url()
        if not is_this_machine(address):
            return _found(
                "elsewhere", f"set to {address}, which is another machine: not asked unless you choose auto"
            )
        models = [model for model in list_models() if model.chats]
        machine = detect_machine()
        loaded = loaded_bytes()
    except AdvisorError as error:
        return _found("missing", error.message.rstrip("."), hint=error.hint)
    chosen = choose_model(models, machine, loaded)
    document = _found("ok", f"answers at {address}")
    document["models"] = [_told(model, machine, loaded) for model in models]
    document["best"] = chosen.model.name if chosen else None
    if chosen is None:
        suggested = suggest_pull(machine)
        document["pull"] = {"tag": suggested.tag, "why": suggested.why} if suggested else None
    return document


def _found(state: str, text: str, hint: str = "") -> Document:
    return {"state": state, "found": text, "hint": hint, "models": [], "best": None, "pull": None}


def _told(model: ServerModel, machine: Machine, loaded: int) -> Document:
    rooms = [place.room_bytes for place in places_of(machine, loaded)]
    needed = needed_bytes(model, min(CONTEXT, model.context or CONTEXT))
    return {
        "name": model.name,
        "size_bytes": model.size_bytes,
        "tools": model.tools if model.capabilities is not None else None,
        "fits": True if model.remote else any(needed <= room for room in rooms),
        "remote": model.remote,
    }


def look_for_keys() -> list[Document]:
    """The providers whose key is there: the variable's name and where it is, never its value.

    Where the keyring package is installed the keyring is asked too, which may take seconds.
    """
    found = []
    with_keyring = find_spec("keyring") is not None
    for provider, names in key_providers().items():
        if not with_keyring and not any(os.environ.get(name, "").strip() for name in names):
            continue
        key = find_key(f"{provider}/any")
        if key.place is not None:
            found.append({"provider": provider, "variable": key.variable, "place": key.place})
    return found
