"""Models behind an API, from the price map inside the LiteLLM package.

The map is read as a file: LiteLLM itself is never imported here. What is known of its traps: prices are
per token; zero and null mean unknown unless the provider is local; single rows are plainly wrong; one model
stands under the key of every host, so that the maker's own key counts; a row whose end date is past is
retired; long-context prices hide in fields of their own or in a list of tiers. The version of the package is
the date of the prices.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import TypedDict, cast

from pydantic_core import from_json

from knowledge.catalog.records import ApiModel, BenchmarkResult
from knowledge.catalog.store import DATA, Catalog
from knowledge.catalog.tokens import quoted, spans
from knowledge.errors import AmbiguousNameError, UnknownNameError

PRICE_MAP = "model_prices_and_context_window_backup.json"
MODES = frozenset({"chat", "responses", "embedding", "rerank"})
_ABOVE = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
_NOISE = frozenset(
    {"latest", "anthropic", "openai", "google", "preview", "ai", "model", "api", "the", "v", "us"}
)
_WORD_END = re.compile(r"[^a-z]")
_REMARK = re.compile(r"\([^)]*\)")
_EFFORT = re.compile(
    r"[-_ ](?:(?:x?high|max|medium|low|minimal)(?:[-_ ]?effort)?"
    r"|no[-_ ]?thinking|high[-_ ]?thinking|thinking(?:[-_ ]?auto)?|(?:non[-_ ])?reasoning"
    r"|\d+k|base|\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{2}-\d{2}|\d{4})$"
)
"""What boards append to a model's name: an effort, a thinking budget, a date."""


class _Maker(TypedDict):
    provider: str
    name: str
    own: list[str]


class _Providers(TypedDict):
    makers: list[_Maker]
    local: list[str]
    not_models: list[str]
    highest_usd_per_mtok: dict[str, float]


@dataclass(frozen=True)
class PriceMap:
    """The makers' own models, in the makers' order, and where they come from."""

    models: tuple[ApiModel, ...]
    source: str
    rows: Mapping[str, Mapping[str, object]]
    """All rows of the file, also those of hosts and other modes."""
    missing: str = ""
    """Why there are no rows; empty where there are."""

    def record(self, key: str) -> ApiModel | None:
        """The row of any key, a host's too; None where it is no text model."""
        row = self.rows.get(key)
        return _record(key, row, self.source) if row is not None and row.get("mode") in MODES else None


@cache
def _providers() -> _Providers:
    return cast("_Providers", json.loads((DATA / "api_providers.json").read_bytes()))


def price_map_path() -> Path | None:
    """The bundled price map, or None where LiteLLM is not installed."""
    found = util.find_spec("litellm")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / PRICE_MAP
    return path if path.is_file() else None


@cache
def read_price_map(path: Path | None = None) -> PriceMap:
    """Read the price map.

    Args:
        path: the file; None means the one in the installed LiteLLM package.

    Returns:
        The rows; without any, and with the reason, where the file is missing or cannot be read.
    """
    path = path or price_map_path()
    if path is None:
        return PriceMap((), "", {}, "the LiteLLM package or its price map is not installed")
    try:
        raw = cast("dict[str, dict[str, object]]", from_json(path.read_bytes(), cache_strings="keys"))
    except (OSError, ValueError) as error:
        return PriceMap((), "", {}, f"the price map of LiteLLM cannot be read ({type(error).__name__})")
    try:
        version = metadata.version("litellm")
    except metadata.PackageNotFoundError:
        version = "unknown version"
    source = f"litellm {version}, {path.name}"
    makers: list[tuple[int, str]] = []
    for key, row in raw.items():
        if isinstance(row, dict) and row.get("mode") in MODES:
            rank = _maker_rank(key, str(row.get("litellm_provider")))
            if rank is not None:
                makers.append((rank, key))
    makers.sort(key=lambda pair: pair[0])
    own = [_record(key, raw[key], source) for _, key in makers]
    return PriceMap(_without_doubles(own), source, raw)


def maker_name(provider: str) -> str:
    """The name of a maker as people write it (`gemini` is Google); another provider's own key."""
    return next(
        (maker["name"] for maker in _providers()["makers"] if maker["provider"] == provider), provider
    )


def is_local_provider(provider: str) -> bool:
    """Whether a provider's models run on the person's own machines, and cost nothing per token."""
    return provider in _providers()["local"]


def load_api_models() -> tuple[ApiModel, ...]:
    """The makers' own models of the installed price map, retired ones included."""
    return read_price_map().models


def is_retired(model: ApiModel, on: date) -> bool:
    """Whether the provider's end date has come."""
    return model.ends is not None and model.ends < on.isoformat()


def current_api_models(on: date | None = None) -> tuple[ApiModel, ...]:
    """Models that a provider still serves on a day (None: today)."""
    day = on or date.today()  # noqa: DTZ011 - end dates are calendar days without a zone
    return tuple(model for model in load_api_models() if not is_retired(model, day))


def _maker_rank(key: str, provider: str) -> int | None:
    """Place of the provider among the makers; None where it only hosts the model."""
    listed = _providers()
    name = key.split("/")[-1].lower()
    if name.startswith(tuple(listed["not_models"])):
        return None
    for rank, maker in enumerate(listed["makers"]):
        if maker["provider"] == provider:
            return rank if not maker["own"] or name.startswith(tuple(maker["own"])) else None
    return None


def _without_doubles(models: Sequence[ApiModel]) -> tuple[ApiModel, ...]:
    """One key for each model of a provider: `deepseek/deepseek-chat` also stands there without its prefix."""
    found: dict[tuple[str, str], ApiModel] = {}
    for model in models:
        name = (model.provider, model.key.split("/")[-1])
        if name not in found or "/" in model.key:
            found[name] = model
    return tuple(found.values())


def _record(key: str, row: Mapping[str, object], source: str) -> ApiModel:
    mode, provider = str(row["mode"]), str(row.get("litellm_provider"))
    local = is_local_provider(provider)
    tier, above, longer = _tiers(row)
    price = {name: _price(tier.get(name), mode, local) for name in _PRICES}
    ends = row.get("deprecation_date")
    size = row.get("output_vector_size")
    return ApiModel(
        key=key,
        provider=provider,
        mode=mode,
        input_usd_per_mtok=price["input_cost_per_token"],
        output_usd_per_mtok=price["output_cost_per_token"] if mode in ("chat", "responses") else None,
        cache_read_usd_per_mtok=price["cache_read_input_token_cost"],
        long_context_above=above,
        long_input_usd_per_mtok=_price(longer.get("input_cost_per_token"), mode, local),
        long_output_usd_per_mtok=_price(longer.get("output_cost_per_token"), mode, local),
        query_usd=_positive(row.get("input_cost_per_query")),
        max_input_tokens=_count(row.get("max_input_tokens")) or _count(row.get("max_tokens")),
        max_output_tokens=_count(row.get("max_output_tokens")),
        vision=_flag(row.get("supports_vision")),
        tool_calling=_flag(row.get("supports_function_calling")),
        thinking=_flag(row.get("supports_reasoning")),
        structured_output=_flag(row.get("supports_response_schema")),
        vector_size=_count(size),
        ends=ends if isinstance(ends, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", ends) else None,
        source=source,
    )


_PRICES = ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost")


def _tiers(row: Mapping[str, object]) -> tuple[Mapping[str, object], int | None, Mapping[str, object]]:
    """The base prices, and the threshold and prices of long inputs."""
    tiers = row.get("tiered_pricing")
    if isinstance(tiers, list) and tiers and isinstance(tiers[0], dict):
        base = {name: row.get(name) or tiers[0].get(name) for name in _PRICES}
        if len(tiers) == 1 or not isinstance(tiers[1], dict):
            return base, None, {}
        bounds = tiers[1].get("range")
        above = int(bounds[0]) if isinstance(bounds, list) and bounds else None
        return base, above, tiers[1] if above else {}
    named = [name for name in row if "_above_" in name]
    thresholds = sorted(int(match[1]) for name in named if (match := _ABOVE.fullmatch(name)))
    if not thresholds:
        return row, None, {}
    suffix = f"_above_{thresholds[0]}k_tokens"
    longer = {name: row.get(name + suffix) for name in _PRICES}
    return row, thresholds[0] * 1000, longer


def _positive(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return float(value)


def _price(value: object, mode: str, local: bool) -> float | None:
    """USD per million tokens; None where the map says nothing, zero, or nonsense."""
    if local and value == 0:
        return 0.0
    each = _positive(value)
    if each is None:
        return None
    million = round(each * 1e6, 6)
    return million if million <= _providers()["highest_usd_per_mtok"][mode] else None


def _count(value: object) -> int | None:
    number = _positive(value)
    return None if number is None else int(number)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _words(text: str) -> tuple[str, ...]:
    """Words of a name in any order: `Claude 3.5 Sonnet` is `claude-3-5-sonnet`."""
    name = re.sub(r"(?<![\d.])(\d)-(\d)(?![\d.])", r"\1.\2", text.lower())
    return tuple(sorted(token.text for token in spans(name) if token.text not in _NOISE))


@cache
def _index() -> dict[tuple[str, ...], list[ApiModel]]:
    found: dict[tuple[str, ...], list[ApiModel]] = {}
    for model in load_api_models():
        found.setdefault(_words(model.key.split("/")[-1]), []).append(model)
    return found


def resolve_api_model(text: str) -> ApiModel:
    """The API model that a name means: a LiteLLM key, or the name as people write it.

    Raises:
        UnknownNameError: the price map has no such model; carries the nearest keys.
        AmbiguousNameError: several makers sell a model of this name; carries their keys.
    """
    name = text.strip()
    exact = next(
        (model for model in load_api_models() if model.key == name), None
    ) or read_price_map().record(name)
    if exact is not None:
        return exact
    found = _index().get(_words(name.split("/")[-1]), [])
    plain = [model for model in found if model.key.split("/")[-1].lower() == name.lower()]
    found = plain or found
    providers = {model.provider for model in found}
    if len(found) == 1 or (found and len(providers) == 1):
        return min(found, key=lambda model: len(model.key))
    if found:
        keys = [model.key for model in found]
        raise AmbiguousNameError(
            f"{quoted(name)} could be any of {len(keys)} API models.",
            hint=f"Say which: {', '.join(keys)}.",
            choices=keys,
        )
    raise _unknown(name)


def _unknown(name: str) -> UnknownNameError:
    from rapidfuzz import fuzz, process

    missing = read_price_map().missing
    if missing:
        return UnknownNameError(
            f"No API model can be looked up: {missing}.", hint="Run `llm-advisor doctor`."
        )
    keys = [model.key for model in load_api_models()]
    found = process.extract(name[:100].lower(), keys, scorer=fuzz.WRatio, limit=5, score_cutoff=60)
    nearest = tuple(key for key, _, _ in found)
    hint = (
        f"Nearest names: {', '.join(nearest)}."
        if nearest
        else "`llm-advisor models list --api` shows every one."
    )
    return UnknownNameError(
        f"No API model in the price map is called {quoted(name)}.", hint=hint, nearest=nearest
    )


def find_api_names(text: str) -> list[tuple[int, int, ApiModel]]:
    """API models that a sentence names: start and end in the text, and the model."""
    index, parts = _index(), spans(text[:4000])
    found, place = [], 0
    while place < len(parts):
        used = 1
        for end in range(min(place + 7, len(parts)), place, -1):
            piece = text[parts[place].start : parts[end - 1].end]
            models = index.get(_words(piece), []) if not re.search(r"[,;!?\n]|\. ", piece) else []
            if models and any(part.text.isalpha() for part in parts[place:end]) and len(_words(piece)) > 1:
                best = min(models, key=lambda model: len(model.key))
                found.append((parts[place].start, parts[end - 1].end, best))
                used = end - place
                break
        place += used
    return found


def _without_effort(name: str, known: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """Words of the model behind a board's name: `gpt-5.5-xhigh` runs gpt-5.5 at an effort.

    Trailing efforts and dates are taken off one by one until a model of the price map is left, so that a name
    that merely ends like an effort (`qwen3.8-max`, `gpt-5.1-codex-max`) stays itself.
    """
    rest = _REMARK.sub(" ", name).strip().lower()
    while rest:
        words = _words(rest)
        if words in known:
            return words
        shorter = _EFFORT.sub("", rest)
        if shorter == rest:
            break
        rest = shorter
    return _words(_REMARK.sub(" ", name))


def _first_word(name: str) -> str:
    return _WORD_END.split(name.lower(), maxsplit=1)[0]


@cache
def _board_names(catalog: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    names: dict[tuple[str, ...], tuple[str, ...]] = {}
    firsts = {_first_word(model.key.split("/")[-1]) for model in load_api_models()}
    for name in catalog.benchmarks.names:
        if _first_word(name) not in firsts:
            continue  # reading a name costs more than this look at its beginning
        words = _without_effort(name, _index())
        names[words] = (*names.get(words, ()), name)
    return names


def api_benchmarks(catalog: Catalog, model: ApiModel) -> tuple[tuple[str, BenchmarkResult], ...]:
    """Scores of an API model: the name that the board lists (it tells the effort, `GPT-5 (high)`), and the
    score.
    """
    names = _board_names(catalog).get(_words(model.key.split("/")[-1]), ())
    return tuple((name, result) for name in names for result in catalog.benchmarks.for_name(name))
