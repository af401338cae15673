"""What is to be run: rubric, models, settings; and by what such a run is known again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from knowledge.errors import UsageError
from tools.evaluation.answers import Key
from tools.evaluation.format import Rubric

SEED = 7
CONCURRENCY = 4
MOST_REPEATS = 100
MOST_MODELS = 20
THINKING_TOKENS = 8_192
"""That a model gets to reason, beside its answer."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the scenarios are run."""

    repeats: int = 1
    temperature: float = 0.0
    seed: int = SEED
    """Of the first repeat; each later one has the next."""
    thinking: bool = False
    """Local models reason that can leave it out."""
    max_cost: float | None = None
    """US dollars that the whole run may cost, with what earlier parts of it did."""
    concurrency: int = CONCURRENCY
    """Requests at once for each provider."""
    requests_per_minute: float | None = None
    """For each provider."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run before it starts."""

    rubric: Rubric
    models: tuple[str, ...]
    settings: Settings = field(default_factory=Settings)
    judge: str | None = None
    endpoint: str | None = None
    """Base address of the OpenAI-compatible server that has the models, but not the judge."""
    key_variable: str | None = None
    """Environment variable that holds the endpoint's key."""
    judge_endpoint: str | None = None
    """The same for the judge; without it the judge is one of Ollama's or LiteLLM's models."""
    judge_key_variable: str | None = None

    def __post_init__(self) -> None:
        """Raises UsageError where the parts do not go together."""
        if not self.models:
            raise UsageError("Name a model.", hint="For example ollama_chat/qwen3:8b or openai/gpt-4.1-mini.")
        if len(set(self.models)) < len(self.models):
            raise UsageError("A model is named twice.", hint="Each model once.")
        if len(self.models) > MOST_MODELS:
            raise UsageError(f"More than {MOST_MODELS} models.", hint="Run them in parts.")
        for name in (*self.models, *((self.judge,) if self.judge is not None else ())):
            if not name or any(sign.isspace() or not sign.isprintable() for sign in name):
                raise UsageError("A model's name has no spaces.", hint="ollama_chat/NAME or a LiteLLM model.")
        if self.judge is None and (self.judge_endpoint is not None or self.judge_key_variable is not None):
            raise UsageError(
                "The judge has a server and no name.", hint="Add --judge with the model's name there."
            )
        if self.rubric.judged and self.judge is None:
            raise UsageError(
                "The rubric has checks that a judge decides, and no judge is named.",
                hint="Add --judge MODEL, best a strong model of another family.",
            )

    @property
    def judged(self) -> bool:
        """Whether a judge is asked at all."""
        return self.rubric.judged

    @property
    def identity(self) -> str:
        """By what a run is known again: everything that changes answers or what they are held against."""
        parts = {
            "rubric": self.rubric.digest,
            "models": sorted(self.models),
            "endpoint": self.endpoint,
            "judge": self.judge if self.judged else None,
            "temperature": self.settings.temperature,
            "seed": self.settings.seed,
            "thinking": self.settings.thinking,
        }
        if self.judged and self.judge_endpoint is not None:
            parts["judge_endpoint"] = self.judge_endpoint
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def work(self) -> list[Key]:
        """Every run of every scenario: all models see a scenario before the next one comes."""
        return [
            Key(model, scenario.id, repeat)
            for repeat in range(1, self.settings.repeats + 1)
            for scenario in self.rubric.scenarios
            for model in self.models
        ]

    def as_json(self) -> dict[str, Any]:
        """The settings as the report tells them."""
        s = self.settings
        return {
            "repeats": s.repeats,
            "temperature": s.temperature,
            "seed": s.seed,
            "thinking": s.thinking,
            "max_tokens": self.rubric.max_tokens,
            "max_cost": s.max_cost,
            "concurrency": s.concurrency,
            "requests_per_minute": s.requests_per_minute,
            "endpoint": self.endpoint,
            "judge": self.judge if self.judged else None,
            "judge_endpoint": self.judge_endpoint if self.judged else None,
        }


def endpoint_address(given: str) -> str:
    """The base address of an OpenAI-compatible server, as requests take it.

    A bare host gets `http://`, and an address without a path the usual `/v1`.

    Raises:
        UsageError: it is no address, or holds credentials.
    """
    text = given.strip().rstrip("/")
    text = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or any(sign.isspace() for sign in text):
        raise UsageError(
            "An endpoint is the address of a server.", hint="For example http://127.0.0.1:8000/v1."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            "An endpoint is an address without credentials or a query.",
            hint="Name the environment variable with its key: --key-variable NAME.",
        )
    return text.removesuffix("/chat/completions") if parts.path else f"{text}/v1"
