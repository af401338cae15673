"""The settings one by one, as a person sees and changes them: value, where it comes from, what it does.

A change goes into `settings.toml` with everything else in it kept: comments, order, spacing.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr, TypeAdapter, ValidationError

from knowledge.errors import UsageError
from knowledge.files import replace_text
from knowledge.home import home
from knowledge.settings import FILE, PREFIX, Settings

Origin = Literal["default", "file", "environment"]
HIDDEN = "set, not shown"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it stands."""

    key: str
    value: str
    """As text; empty where it is not set and its default is none. A secret is never in it."""
    origin: Origin
    variable: str
    """The environment variable that wins over the file."""
    about: str
    secret: bool
    problem: str = ""
    """Why the value that is set is none it takes."""


def settings_path() -> Path:
    """Where the file is, or would be."""
    return home() / FILE


def read_each() -> list[Setting]:
    """Every setting, in the order of the schema.

    Raises:
        UsageError: the file cannot be read, or is no TOML.
    """
    stored = _stored(settings_path())
    variables = {name.upper(): value for name, value in os.environ.items() if value}
    return [_setting(key, stored, variables) for key in Settings.model_fields]


def unknown_keys() -> list[str]:
    """Keys of the file that are no settings: with one of them nothing can be read.

    Raises:
        UsageError: the file cannot be read, or is no TOML.
    """
    return [key for key in _stored(settings_path()) if key not in Settings.model_fields]


def checked(key: str, text: str) -> object:
    """A typed value as TOML has it.

    Raises:
        UsageError: it is none that the setting takes.
    """
    try:
        value = _adapter(key).validate_python(text.strip())
    except ValidationError as error:
        raise UsageError(f"{_reason(error)}.", hint=f"It is a value for `{key}`.") from None
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return value if isinstance(value, bool | int | float | str) else str(value)


def change(key: str, text: str) -> None:
    """Writes a setting into the file; an empty text takes it out, which is the default again.

    Raises:
        UsageError: it is none that the setting takes, or the file cannot be read or written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    value = checked(key, text) if text.strip() else None
    path = settings_path()
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8") if path.exists() else "")
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise _unreadable(path, error) from None
    if value is None:
        document.pop(key, None)
    else:
        document[key] = value
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # It may hold a password.
        replace_text(path, tomlkit.dumps(document), private=True)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror or 'it failed'}.",
            hint=f"Make the folder writable, or set {PREFIX}{key.upper()} in the environment.",
        ) from None


def _setting(key: str, stored: Mapping[str, Any], variables: Mapping[str, str]) -> Setting:
    field = Settings.model_fields[key]
    variable = PREFIX + key.upper()
    origin: Origin = "environment" if variable in variables else "file" if key in stored else "default"
    raw = {"environment": variables.get(variable), "file": stored.get(key), "default": field.default}[origin]
    secret = "SecretStr" in str(field.annotation)
    problem = ""
    if origin != "default":
        try:
            _adapter(key).validate_python(raw)
        except ValidationError as error:
            problem = _reason(error)
    value = "" if raw is None else HIDDEN if secret else _text(raw)
    return Setting(key, value, origin, variable, " ".join((field.description or "").split()), secret, problem)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _adapter(key: str) -> TypeAdapter[Any]:
    return TypeAdapter(Settings.model_fields[key].rebuild_annotation())


def _reason(error: ValidationError) -> str:
    """Without the value: an address may carry a password."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return str(first["msg"]).rstrip(".")


def _stored(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UsageError:
    why = getattr(error, "strerror", None) or "it is not valid TOML in UTF-8"
    return UsageError(f"{path} cannot be read: {why}.", hint="Correct it, or remove it.")
