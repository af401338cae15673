"""What `doctor` says of the chat: the model behind it, its key, whether it answers, where all is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Literal

from knowledge.errors import AdvisorError, ServiceError
from knowledge.home import SESSIONS, home
from knowledge.keys import find_key
from knowledge.ollama import is_this_machine, ollama_url
from knowledge.postgres import CONNECT_SECONDS, FORM, INSTALL, is_installed, reason
from knowledge.settings import load_settings
from tools.chat_model import choose_model
from tools.hardware import detect_machine
from tools.ollama_models import TAGS_SECONDS, ServerModel, ask_ollama, list_models, loaded_bytes

State = Literal["ok", "warning", "missing", "skipped"]
Finding = tuple[State, str, str]
"""State, what was found, next step."""
PREFIXES = ("ollama_chat/", "ollama/")


def _ollama(offline: bool) -> Finding:
    if offline:
        return "skipped", "not asked for, because of --offline", ""
    try:
        address = ollama_url()
        number = str(ask_ollama("/api/version", None, TAGS_SECONDS).get("version", "unknown"))[:40]
        models = list_models()
    except ServiceError as error:
        found = f"{error.message.rstrip('.')}; the guided mode needs none"
        return "warning", found, "To use a local model in the chat: install Ollama and start `ollama serve`."
    except AdvisorError as error:
        return "warning", error.message, error.hint
    machine = detect_machine() if is_this_machine(address) else None
    chosen = choose_model(models, machine, loaded_bytes())
    auto = f"`auto` takes {chosen.model.name}, {chosen.why}" if chosen else "`auto` finds none that fits"
    return "ok", f"version {number} at {address}, {len(models)} models; {auto}", ""


def _chat_model(offline: bool) -> Finding:
    """The model that the settings name; another one may be named for each call."""
    named = load_settings().model or "guided"
    if named == "guided":
        return "ok", "guided, built in; `--model auto` or `model` in settings.toml takes another", ""
    if named == "auto":
        return "ok", "auto: what Ollama has and fits, else guided", ""
    prefix = next((prefix for prefix in PREFIXES if named.startswith(prefix)), None)
    return _local(named, named.removeprefix(prefix), offline) if prefix else _api(named)


def _local(named: str, tag: str, offline: bool) -> Finding:
    if offline:
        return "skipped", f"{named}; not asked for, because of --offline", ""
    bare = tag.removesuffix(":latest")
    try:
        model = next((model for model in list_models() if model.name == bare), None)
    except AdvisorError as error:
        return "warning", f"{named}: {error.message}", error.hint
    if model is None:
        return "missing", f"{named}: Ollama does not have it", f"`ollama pull {tag}`"
    return "ok", f"{named}: {_abilities(model)}", ""


def _abilities(model: ServerModel) -> str:
    can = "capabilities unknown" if model.capabilities is None else ", ".join(sorted(model.capabilities))
    window = f", context of {model.context:,} tokens" if model.context else ""
    return f"{can}{window}" + (", runs elsewhere" if model.remote else "")


def _api(named: str) -> Finding:
    """An API model: its key is looked for and never shown; its server is not asked, which might cost."""
    key = find_key(named)
    if key.missing:
        return "missing", f"{named}: no key, {key.variable} is not set", key.hint
    found = f"key in the {key.place} ({key.variable})" if key.variable else "which key it takes is not known"
    return "ok", f"{named}: {found}", ""


def _conversations(offline: bool) -> Finding:
    """Where conversations are kept; a database is asked whether it lets us in."""
    postgres = load_settings().postgres
    if postgres is None:
        return _file_of_conversations()
    if offline:
        return "skipped", "kept in Postgres; not asked for, because of --offline", ""
    if not is_installed():
        return "missing", "kept in Postgres, whose driver is not installed: nothing is saved", INSTALL
    import psycopg

    address = postgres.get_secret_value()
    try:
        with psycopg.connect(address, connect_timeout=CONNECT_SECONDS) as connection:
            number = connection.info.server_version // 10_000
    except psycopg.ProgrammingError:  # its text repeats the address
        found = "the setting `postgres` is no address of a database: nothing is saved"
        return "missing", found, f"It reads {FORM}."
    except (psycopg.Error, OSError) as error:
        found = f"the Postgres database cannot be used ({reason(error, address)}): nothing is saved"
        return "missing", found, "Start the database, or correct the setting `postgres`."
    return "ok", f"kept in Postgres {number}, which answers", ""


def _file_of_conversations() -> Finding:
    """Whether the file of the conversations, where there is one, is a database that can be read."""
    path = home() / SESSIONS
    try:
        if path.exists():
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as file:
                file.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except (sqlite3.Error, OSError) as error:
        found = f"{path.name} of the state folder cannot be read ({error})"
        return "missing", found, "The next chat sets a damaged file aside and begins a new one."
    return "ok", "kept in a file of the state folder; the setting `postgres` takes a database", ""


LOOKS: dict[str, Callable[[bool], Finding]] = {
    "Ollama": _ollama,
    "chat model": _chat_model,
    "conversations": _conversations,
}
