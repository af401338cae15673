"""Keys of API providers: from the environment or the system keyring, and never from a file of ours.

A key is looked for before the first request, so that a missing one is a sentence that names its variable and
not a server's refusal. Nothing here writes a key, and nothing but the request ever gets to see one.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Literal, cast

SERVICE = "llm-advisor"
"""The name under which keys lie in the keyring."""
KEYRING_SECONDS = 20.0
"""A locked keyring may ask the person first; longer than this nobody waits."""
Place = Literal["environment", "keyring"]


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a provider's key. `value` is the secret: it is in no text of this object."""

    variable: str
    """The environment variable; empty where the provider takes none, or is not known."""
    place: Place | None = None
    value: str = field(default="", repr=False)
    """Only of a key from the keyring: LiteLLM reads the environment itself."""

    @property
    def missing(self) -> bool:
        """Whether a key is needed and was not found."""
        return bool(self.variable) and self.place is None

    @property
    def hint(self) -> str:
        """How to set it."""
        return (
            f"Set {self.variable} in the environment, or store it in the system keyring with "
            f"`keyring set {SERVICE} {self.variable}`."
        )


@cache
def _variables() -> Mapping[str, list[str]]:
    text = resources.files("knowledge").joinpath("data", "key_variables.json").read_text(encoding="utf-8")
    return cast("Mapping[str, list[str]]", json.loads(text)["providers"])


def key_providers() -> Mapping[str, list[str]]:
    """Every provider that is known, with the environment variables that may hold its key."""
    return _variables()


def variables_of(model: str) -> tuple[str, ...]:
    """The environment variables that may hold the key of a LiteLLM model, the usual one first."""
    provider, _, name = model.partition("/")
    if not name:
        provider = _provider_of(model)
    return tuple(_variables().get(provider, ()))


def _provider_of(model: str) -> str:
    """Who serves a model that is named without its provider."""
    from knowledge.catalog.api_models import read_price_map

    row = read_price_map().rows.get(model)
    return str(row.get("litellm_provider", "")) if row is not None else ""


def find_key(model: str, *, keyring: bool = True) -> Key:
    """Looks for the key of a LiteLLM model; the keyring may take seconds, so call it in a thread.

    Args:
        model: as LiteLLM names it.
        keyring: whether to look there too, which may ask the person to unlock it.
    """
    names = variables_of(model)
    if not names:
        return Key("")
    for name in names:
        if os.environ.get(name, "").strip():
            return Key(name, "environment")
    for name in names if keyring else ():
        if value := _from_keyring(name):
            return Key(name, "keyring", value)
    return Key(names[0])


def _from_keyring(name: str) -> str:
    """The stored key; empty where there is none, no keyring, or one that does not answer."""
    found: list[str] = []

    def look() -> None:
        try:
            import keyring

            found.append(keyring.get_password(SERVICE, name) or "")
        except Exception:
            # Backends raise what they like, and their messages may hold the secret.
            return

    # A daemon, so that a keyring that waits for somebody does not keep the program.
    thread = threading.Thread(target=look, name="keyring", daemon=True)
    thread.start()
    thread.join(KEYRING_SECONDS)
    return found[0].strip() if found else ""
