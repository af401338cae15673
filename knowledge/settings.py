"""What a person sets once: `settings.toml` in the state folder, or `LLM_ADVISOR_*` in the environment.

The environment wins over the file, the file over the defaults. A misspelled key is an error, not a wish that
nobody hears.
"""

from __future__ import annotations

import tomllib
from typing import Annotated

from pydantic import AnyHttpUrl, Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from knowledge.errors import UsageError
from knowledge.home import home

FILE = "settings.toml"
PREFIX = "LLM_ADVISOR_"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class Settings(BaseSettings):
    """All settings; every one has a default that needs no network."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    embedder: Name | None = None
    """Another model for the guide index: a sentence-transformers model (a hub id that is already on this
    machine, or a folder), or `litellm:MODEL` for one behind an API. None: all-MiniLM-L6-v2, which is part of
    the installation."""
    reranker: Name | None = None
    """A cross-encoder that reads the first passages again: a hub id that is already on this machine, a
    folder, or `auto` for the first known small one that is there. None: none."""
    chroma: AnyHttpUrl | None = None
    """Address of a Chroma server that holds the guide index. None: files in the state folder."""
    understanding_seconds: Annotated[float, Field(ge=0, le=600)] = 8.0
    """How long a language model may read a message that the built-in parser cannot explain. 0: it never
    reads; it only words answers."""
    model: Name | None = None
    """Who words the answers in the chat: `guided`, `auto`, `ollama_chat/NAME` or any LiteLLM model. None:
    guided, which needs nothing. `--model` wins over it."""
    max_cost: Dollars | None = None
    """US dollars that a conversation may spend on an API model. None: no ceiling. `--max-cost` wins over
    it."""
    connect_seconds: Seconds = 3.0
    """How long a model server may take to accept a connection."""
    first_token_seconds: Seconds = 300.0
    """How long it may take to its first token: a large model is loaded for minutes."""
    idle_seconds: Seconds = 60.0
    """How long it may be silent in the middle of an answer."""

    postgres: Annotated[SecretStr, Field(min_length=1)] | None = None
    """Address of a Postgres database that holds the conversations, `postgresql://USER:PASSWORD@HOST:5432/NAME`;
    needs the extra `llm-advisor[postgres]`. None: a file in the state folder."""

    boards: Name | None = None
    """A JSON file with more leaderboard files for `models refresh`, in the form of docs/refreshing.md. None:
    only those that it knows."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, file; a `.env` file of whatever folder one stands in is not read."""
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls, toml_file=home() / FILE),
        )


def load_settings() -> Settings:
    """The settings of this machine and this call.

    Raises:
        UsageError: the file is no TOML or cannot be read, a key is unknown, or a value is none that it takes.
    """
    place = home() / FILE
    try:
        return Settings()
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{place} is not valid TOML: {error}.", hint="Correct it, or remove it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{place} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}.",
            hint="Correct it, or remove it.",
        ) from None
    except ValidationError as error:
        raise _explained(error) from None


def _explained(error: ValidationError) -> UsageError:
    first = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    known = ", ".join(Settings.model_fields)
    if first["type"] == "extra_forbidden":
        return UsageError(f"There is no setting `{key}` ({home() / FILE}).", hint=f"There is: {known}.")
    # The value is not repeated: an address may carry a password.
    return UsageError(
        f"The setting `{key}` is not usable: {first['msg']}.",
        hint=f"It stands in {home() / FILE}, or in {PREFIX}{key.upper()} in the environment.",
    )
