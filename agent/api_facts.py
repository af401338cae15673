"""Present facts of the API models that a question names, from LiteLLM's price map."""

from __future__ import annotations

import datetime

from knowledge.catalog.api_models import find_api_names, is_retired, read_price_map
from knowledge.catalog.records import ApiModel
from tools.memory.types import Evidence

MOST = 4


def api_told(question: str) -> tuple[str, list[Evidence]] | None:
    """Price, window and end date of the API models in a question; None where it names none.

    Prices are US dollars per million tokens.
    """
    models = list({model.key: model for _, _, model in find_api_names(question.lower())}.values())[:MOST]
    if not models:
        return None
    lines = [_line(model) for model in models]
    return "\n".join(lines), [Evidence("catalog", read_price_map().source, model.key) for model in models]


def _line(model: ApiModel) -> str:
    prices = (model.input_usd_per_mtok, model.output_usd_per_mtok)
    price = (
        f"costs {_usd(prices[0])} in and {_usd(prices[1])} out per million tokens"
        if prices[0] is not None and prices[1] is not None
        else "has no price in the map, which means unknown, not free"
    )
    window = f"; it reads up to {model.max_input_tokens:,} tokens" if model.max_input_tokens else ""
    today = datetime.date.today()  # noqa: DTZ011 - end dates are calendar days without a zone
    ends = ""
    if model.ends is not None:
        retired = is_retired(model, today)
        ends = f". It was switched off on {model.ends}" if retired else f". It ends on {model.ends}"
    return f"**{model.key}** ({model.provider}) {price}{window}{ends}."


def _usd(price: float) -> str:
    """Dollars with cents, or with four figures where cents are too coarse."""
    return f"${price:,.2f}" if round(price, 2) == price else f"${price:.4g}"
