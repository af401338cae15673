"""What is measured: which server, which engine, and which model of the catalog."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from knowledge.catalog.api_models import is_local_provider, read_price_map
from knowledge.catalog.names import resolve_model_verbose
from knowledge.catalog.store import load_catalog
from knowledge.errors import AmbiguousNameError, UnknownNameError, UsageError
from knowledge.keys import key_providers
from knowledge.ollama import ollama_url
from tools.introspect.quant_names import label_in
from tools.measuring.asking import Address, Questions, bearer, read_address, refusal, unknown_model
from tools.measuring.formats import format_as_published, format_named
from tools.token_price import FREE, Price, price_of

Document = dict[str, Any]
Kind = Literal["ollama", "openai", "litellm"]
UNKNOWN = "unknown"
KEEPS_ON = frozenset({"llama.cpp", "vllm", "sglang"})
"""Engines that take `ignore_eos`, so that every answer has the wanted length."""
ASSUMED = (
    "The server does not tell the format of the weights: {} is assumed, as they are published. Where it was "
    "started with another one (--quantization), --no-save keeps this run out of later estimates."
)
_OWNERS = {"llamacpp": "llama.cpp", "vllm": "vllm", "sglang": "sglang", "tgi": "tgi", "mlx": "mlx"}
_PREFIXES = ("ollama_chat/", "ollama/")


@dataclass(frozen=True, slots=True)
class Target:
    """One model behind one server."""

    kind: Kind
    served_as: str
    """Its name at the server; of a LiteLLM model with the provider before it."""
    label: str
    """Host and port, or the provider's name."""
    address: Address | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    engine: str = UNKNOWN
    engine_version: str | None = None
    model_id: str | None = None
    quant: str | None = None
    context: int | None = None
    """Tokens of one conversation, as far as the server says."""
    send_context: bool = False
    """Whether requests name it: Ollama would else load the model again with its usual one."""
    longest: int | None = None
    """Tokens that the model supports."""
    loaded: bool = True
    """Whether it is in memory already; Ollama tells."""
    local: bool = False
    price: Price | None = FREE
    """None where it costs money and nobody knows how much."""
    notes: tuple[str, ...] = ()


def litellm_provider(name: str) -> str | None:
    """LiteLLM's provider of a model name; None where the name is one of Ollama's."""
    if name.startswith(_PREFIXES):
        return None
    provider, _, rest = name.partition("/")
    rows = read_price_map().rows
    if load_catalog().model(name) is not None and name not in rows:
        return None  # a hub id such as openai/gpt-oss-20b, whose weights anybody may serve
    if rest and (provider in key_providers() or is_local_provider(provider) or name in rows):
        return provider
    row = rows.get(name) if not rest and ":" not in name else None
    found = row.get("litellm_provider") if row is not None and row.get("mode") == "chat" else None
    return found if isinstance(found, str) else None


def find_target(
    model: str | None,
    endpoint: str | None = None,
    context: int | None = None,
    key_variable: str | None = None,
) -> Target:
    """Asks the server what it is and what it has. Takes seconds: call it in a thread.

    Args:
        model: an Ollama tag, a name at the endpoint, or a LiteLLM model; None takes an endpoint's only one.
        endpoint: address of an OpenAI-compatible server, or of an Ollama that is not the usual one.
        context: Ollama's context window; None keeps the one that is loaded.
        key_variable: environment variable that holds the endpoint's key.

    Raises:
        NoAnswerError: the server has no such model.
        ServiceError: the server cannot be reached.
        UsageError: the address or the name is none, or the key is not set.
    """
    if endpoint is not None:
        address, headers = read_address(endpoint), _headers(key_variable)
        with Questions(address, headers) as questions:
            status, told = questions.probe("/api/version")
            version = told.get("version")
            if status == 200 and isinstance(version, str) and model is not None:
                return _ollama(questions, headers, _bare(model), version, context)
            return _openai(questions, headers, model)
    if model is None:
        raise UsageError("No model is named.", hint="For example: llm-advisor bench llama3.1:8b.")
    provider = litellm_provider(model)
    if provider is not None:
        # A server of one's own is asked as an endpoint is, which tells more than LiteLLM knows.
        if own := os.environ.get(f"{provider.upper()}_API_BASE") if is_local_provider(provider) else None:
            key = f"{provider.upper()}_API_KEY"
            return find_target(model.partition("/")[2], own, context, key if os.environ.get(key) else None)
        return Target("litellm", model, provider, price=price_of(model), model_id=catalog_id(model))
    headers = bearer(os.environ.get("OLLAMA_API_KEY", ""))
    with Questions(read_address(ollama_url()), headers) as questions:
        _, told = questions.probe("/api/version")
        version = told.get("version")
        return _ollama(
            questions, headers, _bare(model), version if isinstance(version, str) else None, context
        )


def _bare(model: str) -> str:
    for prefix in _PREFIXES:
        model = model.removeprefix(prefix)
    return model


def _headers(variable: str | None) -> dict[str, str]:
    if variable is None:
        return {}
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UsageError(
            f"The environment variable {variable[:60]} is not set.", hint="Set it to the endpoint's key."
        )
    return bearer(key)


def catalog_id(*names: str) -> str | None:
    """The id of the catalog's model that one of the names surely means; None where none does."""
    for name in names:
        try:
            found = resolve_model_verbose(load_catalog(), name.removesuffix(".gguf"))
        except (UnknownNameError, AmbiguousNameError):
            continue
        if found.how != "typo":
            return found.record.id
    return None


def _ollama(
    questions: Questions, headers: Mapping[str, str], tag: str, version: str | None, context: int | None
) -> Target:
    status, shown = questions.ask("/api/show", {"model": tag})
    label = questions.address.label
    if status in (400, 404):
        tag = _same_model(tag, _tags(questions), f"The Ollama server at {label}")
        status, shown = questions.ask("/api/show", {"model": tag})
    if status != 200:
        raise refusal(label, tag, status, "")
    away = bool(shown.get("remote_host"))
    details = shown.get("details")
    level = details.get("quantization_level") if isinstance(details, dict) else None
    running = running_row(questions, tag)
    return Target(
        "ollama",
        tag,
        label,
        questions.address,
        headers,
        engine="ollama",
        engine_version=version,
        model_id=catalog_id(tag),
        quant=label_in(str(level or "")) or label_in(tag.rpartition(":")[2]),
        context=context or _whole(running.get("context_length")),
        send_context=bool(context or _whole(running.get("context_length"))),
        longest=_longest(shown),
        loaded=bool(running) or away,
        local=questions.address.here and not away,
        price=None if away else FREE,
    )


def _same_model(name: str, tags: tuple[str, ...], server: str) -> str:
    """The one tag that is the catalog's model of a name, as answers of this program name it.

    Raises:
        NoAnswerError: there is none, or there are several formats of it.
    """
    wanted = catalog_id(name)
    same = [tag for tag in tags if wanted is not None and catalog_id(tag) == wanted]
    if len(same) != 1:
        raise unknown_model(server, name, tuple(same) or tags)
    return same[0]


def _longest(shown: Document) -> int | None:
    info = shown.get("model_info")
    info = info if isinstance(info, dict) else {}
    return _whole(info.get(f"{info.get('general.architecture')}.context_length"))


def _tags(questions: Questions) -> tuple[str, ...]:
    rows = questions.probe("/api/tags")[1].get("models")
    found = [row.get("name") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return tuple(str(name).removesuffix(":latest") for name in found if name)


def running_row(questions: Questions, tag: str) -> Document:
    """What Ollama's `/api/ps` says of a model; empty where it is not loaded."""
    rows = questions.probe("/api/ps")[1].get("models")
    wanted = {tag, f"{tag}:latest"}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and {row.get("name"), row.get("model")} & wanted:
            return row
    return {}


def _openai(questions: Questions, headers: Mapping[str, str], model: str | None) -> Target:
    address = questions.address
    status, listed = questions.probe(f"{address.path}/models")
    if status in (401, 403):
        raise refusal(address.label, model or "", status, "")
    rows = listed.get("data")
    served = [r for r in rows if isinstance(r, dict) and r.get("id")] if isinstance(rows, list) else []
    _, props = questions.probe("/props")
    engine, version = _engine(questions, served, props)
    row = _chosen(address.label, served, model, engine)
    name = model or str(row["id"])
    path = str(props.get("model_path") or "").replace("\\", "/").rpartition("/")[2]
    settings = props.get("default_generation_settings")
    slot = settings.get("n_ctx") if isinstance(settings, dict) else None
    names = (path, str(row.get("root") or ""), name, str(row.get("id") or ""))
    model_id = catalog_id(*filter(None, names))
    quant = format_named(names) or _by_lmstudio(questions, engine, name)
    assumed = None if quant is not None else format_as_published(engine, model_id, names)
    return Target(
        "openai",
        name,
        address.label,
        address,
        headers,
        engine=engine,
        engine_version=version,
        model_id=model_id,
        quant=quant or assumed,
        context=_whole(slot) or _whole(row.get("max_model_len")),
        local=address.here,
        notes=() if assumed is None else (ASSUMED.format(assumed),),
    )


def _by_lmstudio(questions: Questions, engine: str, name: str) -> str | None:
    """The format that LM Studio's own interface tells."""
    rows = questions.probe("/api/v0/models")[1].get("data") if engine == "lmstudio" else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("id") == name:
            return label_in(str(row.get("quantization") or ""))
    return None


def _chosen(label: str, served: list[Document], model: str | None, engine: str) -> Document:
    """The listed model; llama-server serves one under any name."""
    names = tuple(str(row["id"]) for row in served)
    if model is None:
        if len(served) != 1:
            raise UsageError(
                f"{label} serves {len(served) or 'no known'} models, and none is named.",
                hint=f"Name one: {', '.join(names[:6])}."
                if names
                else "llm-advisor bench MODEL --endpoint URL",
            )
        return served[0]
    found = next((row for row in served if row["id"] == model), None)
    if found is None and served and engine != "llama.cpp":
        raise unknown_model(label, model, names)
    return found or (served[0] if served else {})


def _engine(questions: Questions, served: list[Document], props: Document) -> tuple[str, str | None]:
    """Which engine answers, and its version; `unknown` where it does not tell."""
    owner = str(served[0].get("owned_by") or "").lower() if served else ""
    if "default_generation_settings" in props or owner == "llamacpp":
        build = props.get("build_info")
        return "llama.cpp", build if isinstance(build, str) else None
    if owner in _OWNERS:
        return _OWNERS[owner], _version(questions)
    version = _version(questions)
    if version is not None:
        return "vllm", version
    if questions.probe("/api/v0/models")[0] == 200:
        return "lmstudio", None
    return UNKNOWN, None


def _version(questions: Questions) -> str | None:
    found = questions.probe("/version")[1].get("version")
    return found if isinstance(found, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
