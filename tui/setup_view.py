"""What was found on this machine, in words: Ollama and its models, keys, and who may word the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui.claims import maps_of
from tui.plaintext import clean

GUIDED = ("guided", "guided: built in, needs nothing")
AUTO = ("auto", "auto: the best model of Ollama that fits, else guided")
GB = 1_000_000_000
NO_KEYS = "none in the environment or the keyring; guided and local models need none"


def ollama_words(found: Mapping[str, Any], *, short: bool = False) -> str:
    """The server in one or two sentences.

    Args:
        found: of `tools.commands.setup.look_for_ollama`.
        short: leave out what each model can.
    """
    text = clean(found.get("found") or "", one_line=True)
    if found.get("state") == "missing":
        text += "; guided mode needs none"
        return text if short else f"{text}. {clean(found.get('hint') or '', one_line=True)}"
    if found.get("state") != "ok":
        return text
    models = maps_of(found.get("models"))
    text += f", {len(models)} {'model' if len(models) == 1 else 'models'} for a chat"
    if found.get("best"):
        return f"{text}; {clean(found['best'], one_line=True)} suits this machine"
    pull = found.get("pull")
    if isinstance(pull, Mapping):
        why = "" if short else f" ({clean(pull.get('why') or '', one_line=True)})"
        return f"{text}, none that fits: `ollama pull {clean(pull.get('tag') or '', one_line=True)}`{why}"
    return f"{text}, and none that is known would fit this machine"


def keys_words(found: Sequence[Mapping[str, Any]]) -> str:
    """The keys that are there, by name."""
    told = [f"{clean(one.get('variable'), one_line=True)} ({one.get('place')})" for one in found]
    return ", ".join(told) or NO_KEYS


def options_of(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Who may word the answers: guided first, then the models of the server, those that fit first."""
    models = sorted(maps_of(found.get("models")), key=lambda one: (not one.get("fits"), not one.get("tools")))
    options = [GUIDED]
    if found.get("state") in ("ok", "elsewhere"):
        options.append(AUTO)
    return [*options, *((f"ollama_chat/{one.get('name')}", _model(one)) for one in models)]


def _model(one: Mapping[str, Any]) -> str:
    can = {True: "calls tools", False: "does not call tools", None: "tools unknown"}[one.get("tools")]
    fits = "fits" if one.get("fits") else "too large for this machine"
    if one.get("remote"):
        return f"{one.get('name')}: runs elsewhere, {can}"
    return f"{one.get('name')}: {float(one.get('size_bytes') or 0) / GB:.1f} GB, {fits}, {can}"
