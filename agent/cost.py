"""What a conversation with an API model costs: tokens, dollars, and a ceiling that is never passed.

Prices come from the price map of LiteLLM. A request is allowed only where its worst case (every byte of the
prompt a token, and the longest answer) stays below the ceiling; what a request took is counted by what the
server says of it, else by an estimate that is marked as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from agent.events import Cost
from agent.voice import VoiceError
from tools.model_calls.tokens import CHARACTERS_PER_TOKEN, SENT_AND_LOST, Usage, about_tokens, most_tokens
from tools.token_price import FREE, Price


@dataclass(slots=True)
class Bill:
    """One request while it runs."""

    most_prompt: int
    about_prompt: int
    heard: int = 0
    """Characters that came in."""
    usage: Usage | None = None

    def hear(self, piece: str) -> None:
        """A piece of the answer came in."""
        self.heard += len(piece)

    def count(self, usage: Usage) -> None:
        """The request was counted."""
        self.usage = usage


_SAVED = ("prompt_tokens", "answer_tokens", "usd", "bound_usd", "estimated", "unpriced")
"""Fields of an account that are kept with the conversation."""


@dataclass(slots=True)
class Account:
    """The running count of a conversation."""

    max_usd: float | None = None
    prompt_tokens: int = 0
    answer_tokens: int = 0
    usd: float = 0.0
    bound_usd: float = 0.0
    """What was spent at most: requests without a count by their worst case."""
    estimated: bool = False
    """Some request had no count of the server."""
    unpriced: bool = False
    """Some request was made to a model without a known price."""
    counted: int = 0
    """Requests since the program began."""

    def as_json(self) -> dict[str, Any]:
        """What is kept with the conversation."""
        return {name: getattr(self, name) for name in _SAVED}

    def restore(self, saved: dict[str, Any]) -> None:
        """Goes on from a kept count; never below what was counted since."""
        for name in _SAVED:
            value = saved.get(name)
            if isinstance(value, bool | int | float):
                setattr(self, name, max(getattr(self, name), value))

    def event(self, model: str | None) -> Cost:
        """The count as faces show it."""
        return Cost(
            model,
            self.prompt_tokens,
            self.answer_tokens,
            None if self.unpriced else round(self.usd, 6),
            self.estimated,
            self.max_usd,
        )

    @contextmanager
    def request(
        self,
        name: str,
        price: Price | None,
        messages: Sequence[dict[str, Any]],
        tools: Sequence[dict[str, Any]] | None,
        most_answer: int,
    ) -> Iterator[Bill]:
        """Counts one request.

        Args:
            name: the model, for people.
            price: None where it is unknown; FREE requests are not counted.
            messages: what is sent.
            tools: the tools that are sent with it.
            most_answer: tokens that the answer may have.

        Raises:
            VoiceError: it could pass the ceiling, or there is a ceiling and no price.
        """
        bill = Bill(most_tokens(messages, tools), about_tokens(messages, tools))
        if price is not FREE:
            self._allow(name, price, bill, most_answer)
        try:
            yield bill
        except VoiceError as error:
            if bill.heard or bill.usage or error.code in SENT_AND_LOST:
                self._add(price, bill, most_answer)
            raise
        except BaseException:
            self._add(price, bill, most_answer)  # cancelled: what was sent is charged
            raise
        else:
            self._add(price, bill, most_answer)

    def _allow(self, name: str, price: Price | None, bill: Bill, most_answer: int) -> None:
        if self.max_usd is None:
            return
        if price is None:
            raise unpriced(name)
        worst = price.usd(bill.most_prompt, most_answer)
        if not self.bound_usd + worst <= self.max_usd:  # also where the ceiling is no number
            raise VoiceError(
                "cost",
                f"The next request to {name} could pass the ceiling of {_dollars(self.max_usd)}: "
                f"{_dollars(self.bound_usd)} are spent and it may cost up to {_dollars(worst)}.",
                "Raise --max-cost, switch to a cheaper or local model with /model NAME, or go on in guided "
                "mode: this turn does.",
            )

    def charge(self, usd: float) -> None:
        """Counts dollars that were spent beside the conversation's own requests, such as on an evaluation."""
        if usd > 0:
            self.counted += 1
            self.usd += usd
            self.bound_usd += usd

    def left(self) -> float | None:
        """Dollars that may still be spent; None without a ceiling."""
        return None if self.max_usd is None else max(0.0, self.max_usd - self.bound_usd)

    def _add(self, price: Price | None, bill: Bill, most_answer: int) -> None:
        if price is FREE:
            return
        self.counted += 1
        used = bill.usage or Usage(bill.about_prompt, int(bill.heard / CHARACTERS_PER_TOKEN), stated=False)
        self.prompt_tokens += used.prompt
        self.answer_tokens += used.answer
        self.estimated = self.estimated or not used.stated
        if price is None:
            self.unpriced = True
            return
        spent = price.usd(used.prompt, used.answer, used.cached)
        self.usd += spent
        self.bound_usd += spent if used.stated else price.usd(bill.most_prompt, most_answer)


def unpriced(name: str) -> VoiceError:
    """A ceiling cannot be kept where no price is known."""
    return VoiceError(
        "no_price",
        f"The price of {name} is not known, so that the ceiling could not be kept.",
        "Use a model of `llm-advisor models list --api`, a local model (ollama_chat/NAME, hosted_vllm/NAME), "
        "or leave out --max-cost.",
    )


def _dollars(usd: float) -> str:
    return f"${usd:,.2f}" if round(usd, 2) == usd else f"${usd:.4f}"
