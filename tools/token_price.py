"""What the tokens of a LiteLLM model cost, from the price map inside the LiteLLM package."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalog.api_models import is_local_provider, read_price_map

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float
    cached: float | None = None
    long_above: int | None = None
    """Prompts of more tokens cost `long_input` and `long_output` altogether."""
    long_input: float | None = None
    long_output: float | None = None

    def usd(self, prompt: int, answer: int, cached: int = 0) -> float:
        """Dollars of a request by its tokens; `cached` ones of the prompt came from a cache."""
        is_long = self.long_above is not None and prompt > self.long_above
        into = self.long_input if is_long and self.long_input is not None else self.input
        out = self.long_output if is_long and self.long_output is not None else self.output
        saved = cached * (into - self.cached) if self.cached is not None and not is_long else 0.0
        return (prompt * into - saved + answer * out) / MILLION


FREE = Price(0.0, 0.0)


def price_of(model: str) -> Price | None:
    """The price of a LiteLLM model; None where the map does not know it, which does not mean free."""
    provider, _, name = model.partition("/")
    if is_local_provider(provider):
        return FREE
    prices = read_price_map()
    row = prices.record(model)
    if row is None and name:
        row = prices.record(name)
        if row is not None and row.provider != provider:
            return None  # somebody else's price
    if row is None or row.input_usd_per_mtok is None or row.output_usd_per_mtok is None:
        return None
    return Price(
        row.input_usd_per_mtok,
        row.output_usd_per_mtok,
        row.cache_read_usd_per_mtok,
        row.long_context_above,
        row.long_input_usd_per_mtok,
        row.long_output_usd_per_mtok,
    )
