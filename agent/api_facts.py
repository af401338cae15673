"""Present facts of the API models that a question names, from LiteLLM's price map."""

from __future__ import annotations

from knowledge.catalog.api_models import find_api_names, is_retired, read_price_map
from knowledge.catalog.records import ApiModel
from knowledge.today import today
from tools.memory.types import Evidence
from tools.price_claims import find_price_claims

MOST = 4


def api_told(question: str, *, about_price: bool = True) -> tuple[str, list[Evidence]] | None:
    """Price, window and end date of the API models in a question; None where it names none.

    Of a model that the older guide priced it also tells what was stated, what holds now and the difference;
    of one that is retired, whatever is asked, what came after it. Prices are US dollars per million tokens.

    Args:
        question: the question.
        about_price: it asks for a price.
    """
    models = list({model.key: model for _, _, model in find_api_names(question.lower())}.values())[:MOST]
    claims = [c for c in find_price_claims(question) if about_price or c.now is None][:MOST]
    if not models and not claims:
        return None
    source = read_price_map().source
    evidence = [Evidence("catalog", source, model.key) for model in models]
    evidence += [e for claim in claims for e in claim.evidence]
    lines = [*map(_line, models), *(claim.text if about_price else " ".join(claim.gone) for claim in claims)]
    return "\n\n".join(lines), list(dict.fromkeys(evidence))


def _line(model: ApiModel) -> str:
    prices = (model.input_usd_per_mtok, model.output_usd_per_mtok)
    price = (
        f"costs {_usd(prices[0])} in and {_usd(prices[1])} out per million tokens"
        if prices[0] is not None and prices[1] is not None
        else "has no price in the map, which means unknown, not free"
    )
    window = f"; it reads up to {model.max_input_tokens:,} tokens" if model.max_input_tokens else ""
    ends = ""
    if model.ends is not None:
        retired = is_retired(model, today())
        ends = f". It was switched off on {model.ends}" if retired else f". It ends on {model.ends}"
    return f"**{model.key}** ({model.provider}) {price}{window}{ends}."


def _usd(price: float) -> str:
    """Dollars with cents, or with four figures where cents are too coarse."""
    return f"${price:,.2f}" if round(price, 2) == price else f"${price:.4g}"
