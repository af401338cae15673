"""What is measured, in which order, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass

from tools.token_price import Price

LENGTHS = (128, 1024, 4096)
"""Tokens of a prompt: a question, a page, a document."""
CONCURRENCY = (1, 4)
MOST_AT_ONCE = 64
OUTPUT_TOKENS = 128
REPEATS = 6
"""The fewest whose smallest and largest hold the median in 95 of 100 cases."""
SECONDS: float = 300
ROOM = 64
"""Tokens of the context that are left free for the chat template and miscounts."""
WARM_TOKENS = 16
"""Of an answer that is not measured."""
WARM_LENGTHS = (64, 256)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    lengths: tuple[int, ...] | None = None
    """Tokens of the prompts; None takes the usual ones."""
    concurrency: tuple[int, ...] | None = None
    """Requests at once; None takes the usual ones."""
    output_tokens: int = OUTPUT_TOKENS
    repeats: int = REPEATS
    seconds: float = SECONDS
    """Budget of the whole; what does not fit it is left out."""
    seed: int = 0
    cold: bool = False
    """Unload the model first, to measure its loading (Ollama)."""
    max_usd: float | None = None
    """Most that the requests may cost."""

    def steps(self, context: int | None) -> list[tuple[int, int]]:
        """Pairs of length and number at once: of one round, cheapest first.

        Without lengths given, several at once are measured with the shortest prompt only: the rest is
        a matter of the prompt's speed, which one request tells.
        """
        lengths = self.fitting(context)
        numbers = sorted(set(self.concurrency or CONCURRENCY))
        if self.lengths is None and self.concurrency is None:
            single = [(length, 1) for length in lengths]
            return single + [(lengths[0], number) for number in numbers if number > 1]
        return [(length, number) for number in numbers for length in lengths]

    def fitting(self, context: int | None) -> list[int]:
        """The lengths that fit the context beside the answer; at least one, cut to it where none does."""
        wanted = sorted(set(self.lengths or LENGTHS))
        if context is None:
            return wanted
        room = max(1, context - self.output_tokens - ROOM)
        return [length for length in wanted if length <= room] or [room]

    def left_out(self, context: int | None) -> list[int]:
        """The lengths that do not fit."""
        return [
            length for length in sorted(set(self.lengths or LENGTHS)) if length not in self.fitting(context)
        ]

    def expected_seconds(
        self, generation_tps: float, prompt_tps: float | None, context: int | None = None
    ) -> float:
        """About how long it takes at estimated speeds of one request, at most the budget."""
        answer = self.output_tokens / generation_tps
        steps = self.steps(context)
        once = sum(answer + number * length / (prompt_tps or float("inf")) for length, number in steps)
        return min(self.seconds, self.repeats * once)

    def warm_tokens(self, *, api: bool) -> int:
        """Tokens of an answer that is not measured; a model behind an API may reason before it says one."""
        return self.output_tokens if api else min(WARM_TOKENS, self.output_tokens)

    def most_usd(self, price: Price, context: int | None) -> float:
        """Dollars of all requests to an API at their longest, the warm-up included."""
        steps = self.steps(context)
        measured = sum(number * price.usd(length + ROOM, self.output_tokens) for length, number in steps)
        answer = self.warm_tokens(api=True)
        warm = sum(price.usd(length + ROOM, answer) for length in WARM_LENGTHS)
        warm += sum(number * price.usd(steps[0][0] + ROOM, answer) for number in warm_numbers(steps))
        return self.repeats * measured + warm


def warm_numbers(steps: list[tuple[int, int]]) -> list[int]:
    """Numbers at once that are warmed up by a round of their own."""
    return sorted({number for _, number in steps if number > 1})
