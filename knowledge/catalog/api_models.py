"""Models behind an API, from the price map inside the LiteLLM package.

The map is read as a file: LiteLLM itself is never imported here. What is known of its traps: prices are
per token; zero and null mean unknown unless the provider is local; single rows are plainly wrong; one model
stands under the key of every host, so that the maker's own key counts; a row whose end date is past is
retired; long-context prices hide in fields of their own or in a list of tiers. The version of the package is
the date of the prices.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import util
from pathlib import Path
from typing import cast

from pydantic_core import from_json

from knowledge.catalog.dates import price_map_day
from knowledge.catalog.overlay import EMPTY, Overlay, PriceChange, load_overlay
from knowledge.catalog.price_rows import MODES, price_record, providers
from knowledge.catalog.records import ApiModel, BenchmarkResult
from knowledge.catalog.store import Catalog, follows_models
from knowledge.catalog.tokens import quoted, spans
from knowledge.errors import AmbiguousNameError, UnknownNameError
from knowledge.today import today

PRICE_MAP = "model_prices_and_context_window_backup.json"
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


@dataclass(frozen=True)
class PriceMap:
    """The makers' own models, in the makers' order, and where they come from."""

    models: tuple[ApiModel, ...]
    source: str
    rows: Mapping[str, Mapping[str, object]]
    """All rows of the file, also those of hosts and other modes."""
    missing: str = ""
    """Why there are no rows; empty where there are."""
    newer: Mapping[str, str] = field(default_factory=dict)
    """Where a row comes from that was refreshed, by key."""

    def record(self, key: str) -> ApiModel | None:
        """The row of any key, a host's too; None where it is no text model."""
        row = self.rows.get(key)
        if row is None or row.get("mode") not in MODES:
            return None
        return price_record(key, row, self.newer.get(key, self.source))


def price_map_path() -> Path | None:
    """The bundled price map, or None where LiteLLM is not installed."""
    found = util.find_spec("litellm")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / PRICE_MAP
    return path if path.is_file() else None


def bundled_price_map(path: Path | None = None) -> PriceMap:
    """Read the price map as it is installed.

    Args:
        path: the file; None means the one in the installed LiteLLM package.

    Returns:
        The rows; without any, and with the reason, where the file is missing or cannot be read.
    """
    path = path or price_map_path()
    if path is None:
        return PriceMap((), "", {}, "the LiteLLM package or its price map is not installed")
    return _read_file(path)


@cache
def _read_file(path: Path) -> PriceMap:
    try:
        raw = cast("dict[str, dict[str, object]]", from_json(path.read_bytes(), cache_strings="keys"))
    except (OSError, ValueError) as error:
        return PriceMap((), "", {}, f"the price map of LiteLLM cannot be read ({type(error).__name__})")
    source = f"litellm {price_map_version() or 'unknown version'}, {path.name}"
    return PriceMap(_makers_own(raw, source, {}), source, raw)


@follows_models
@cache
def read_price_map(path: Path | None = None) -> PriceMap:
    """The price map in use: the installed one, with the rows that were refreshed in their places.

    Args:
        path: a file, which stands alone; None means the one in the installed LiteLLM package.
    """
    bundled, overlay = bundled_price_map(path), load_overlay() if path is None else EMPTY
    held = standing_prices(overlay, bundled)
    if not held:
        return bundled
    newer = {row.key: row.row for row in held}
    sources = {row.key: f"{row.source}, fetched {row.fetched}" for row in held}
    rows = {**bundled.rows, **newer}
    models = _makers_own(rows, bundled.source, sources)
    return PriceMap(models, bundled.source, rows, newer=sources)


def standing_prices(overlay: Overlay, bundled: PriceMap) -> list[PriceChange]:
    """The rows that were refreshed and hold.

    Where the package was brought up to date since, its own rows are the newer ones: its map names a later
    day, or its row is no longer the one that was replaced.
    """
    if not overlay.prices:
        return []
    since = price_map_day(price_map_version(), bundled.rows) or ""
    return [row for row in overlay.prices if row.fetched >= since and _as_replaced(row, bundled)]


def _as_replaced(change: PriceChange, bundled: PriceMap) -> bool:
    now = bundled.rows.get(change.key, {})
    return all(now.get(name) == value for name, value in (change.was or {}).items())


@cache
def price_map_version() -> str | None:
    """The version of the LiteLLM package, which is the date of its prices; None where it is not installed."""
    path = price_map_path()
    # The name of the folder beside the package has it; `importlib.metadata` takes 40 ms to read the same.
    beside = sorted(path.parent.parent.glob("litellm-*.dist-info")) if path is not None else []
    if len(beside) == 1:
        return beside[0].name.removeprefix("litellm-").removesuffix(".dist-info")
    from importlib import metadata

    try:
        return metadata.version("litellm")
    except metadata.PackageNotFoundError:
        return None


def _makers_own(
    rows: Mapping[str, Mapping[str, object]], source: str, newer: Mapping[str, str]
) -> tuple[ApiModel, ...]:
    """The makers' own models among all rows, in the makers' order."""
    makers: list[tuple[int, str]] = []
    for key, row in rows.items():
        if isinstance(row, dict) and row.get("mode") in MODES:
            rank = _maker_rank(key, str(row.get("litellm_provider")))
            if rank is not None:
                makers.append((rank, key))
    makers.sort(key=lambda pair: pair[0])
    return _without_doubles([price_record(key, rows[key], newer.get(key, source)) for _, key in makers])


def maker_name(provider: str) -> str:
    """The name of a maker as people write it (`gemini` is Google); another provider's own key."""
    return next((maker["name"] for maker in providers()["makers"] if maker["provider"] == provider), provider)


def is_local_provider(provider: str) -> bool:
    """Whether a provider's models run on the person's own machines, and cost nothing per token."""
    return provider in providers()["local"]


def load_api_models() -> tuple[ApiModel, ...]:
    """The makers' own models of the installed price map, retired ones included."""
    return read_price_map().models


def is_retired(model: ApiModel, on: date) -> bool:
    """Whether the provider's end date has come."""
    return model.ends is not None and model.ends < on.isoformat()


def current_api_models(on: date | None = None) -> tuple[ApiModel, ...]:
    """Models that a provider still serves on a day (None: today)."""
    day = on or today()
    return tuple(model for model in load_api_models() if not is_retired(model, day))


def _maker_rank(key: str, provider: str) -> int | None:
    """Place of the provider among the makers; None where it only hosts the model."""
    listed = providers()
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


def _words(text: str) -> tuple[str, ...]:
    """Words of a name in any order: `Claude 3.5 Sonnet` is `claude-3-5-sonnet`."""
    name = re.sub(r"(?<![\d.])(\d)-(\d)(?![\d.])", r"\1.\2", text.lower())
    return tuple(sorted(token.text for token in spans(name) if token.text not in _NOISE))


@follows_models
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


@follows_models
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
