"""One measurement from the first question to the kept run.

`Bench.events` is an asynchronous generator. Whatever ends it (its plan, the budget, a fault, a cancelled
task), `Bench.run` and `Bench.figures` hold what was measured until then, and every finished round has been
kept.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from knowledge.errors import AdvisorError, UsageError
from knowledge.measured_here import MeasuredRun
from tools.measuring.asking import Questions
from tools.measuring.events import Began, Ended, Event, Phase, Stop, Working
from tools.measuring.memory import Held, held_by
from tools.measuring.plan import WARM_LENGTHS, Plan, warm_numbers
from tools.measuring.prompts import Prompts
from tools.measuring.samples import Figures, Round, Sample, grouped
from tools.measuring.senders import sender_for
from tools.measuring.target import Target

UNLOAD_SECONDS = 30.0
LEAST_LOAD = 0.2
"""Seconds; what Ollama states of a model that was in memory already is less."""


class Sender(Protocol):
    """Sends prompts to one model."""

    async def round(self, prompts: list[str], output_tokens: int) -> tuple[Sample, ...]:
        """Sends them at once."""

    async def adapted(self, prompt: str, output_tokens: int) -> Sample:
        """Sends one, and learns what the server takes."""

    async def close(self) -> None:
        """Ends all connections."""


@dataclass(slots=True)
class Bench:
    """One measurement.

    Attributes:
        target: what is measured.
        plan: how.
        machine: key of this machine (`tools.measuring.machine`).
        keep: told the run after every round; it may block, and is called in a thread.
        rounds: what was measured so far.
        stopped: why it ended before its plan.
        not_kept: why it could not be kept.
    """

    target: Target
    plan: Plan
    machine: str
    keep: Callable[[MeasuredRun], None] = lambda run: None
    rounds: list[Round] = field(default_factory=list)
    held: Held = field(default_factory=Held)
    load_s: float | None = None
    load_from: str = ""
    stopped: Stop | None = None
    not_kept: AdvisorError | None = None
    busy: float | None = None
    """Share of this machine's processors that other programs used before it began."""
    measured_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    clock: Callable[[], float] = time.monotonic
    _took: dict[tuple[int, int], float] = field(default_factory=dict)

    @property
    def context(self) -> int | None:
        """Tokens of one conversation, by the server before or after it loaded the model."""
        return self.held.context or self.target.context

    @property
    def figures(self) -> tuple[Figures, ...]:
        """What was measured, by length and number at once."""
        return grouped(self.rounds)

    @property
    def complete(self) -> bool:
        """Whether every step was measured at least once, and nothing broke it off."""
        reached = set(self.plan.steps(self.context)) <= {(one.length, one.parallel) for one in self.rounds}
        return reached and self.stopped in (None, "seconds")

    @property
    def run(self) -> MeasuredRun | None:
        """What was measured, as it is kept; None where nothing was."""
        if not self.rounds:
            return None
        target = self.target
        return MeasuredRun(
            measured_at=self.measured_at,
            machine=self.machine,
            engine=target.engine,
            engine_version=target.engine_version,
            server=target.label,
            served_as=target.served_as,
            model_id=target.model_id,
            quant=target.quant,
            context=self.context,
            points=tuple(found.point() for found in self.figures),
            load_s=self.load_s,
            memory_bytes=self.held.accelerator_bytes,
            host_memory_bytes=self.held.host_bytes,
            memory_from=self.held.source,
            complete=self.complete,
            local=target.local,
        )

    async def events(self) -> AsyncGenerator[Event]:
        """Measures, and tells how far it is; the last event is `Ended`.

        Raises:
            AdvisorError: the server refused, broke off or cannot be reached, or it could cost too much.
        """
        self.stopped = "interrupted"
        sender = await sender_for(self.target)
        prompts = Prompts(secrets.randbits(48), self.plan.seed)
        try:
            yield self._began()
            async for event in self._warmed(sender, prompts):
                yield event
            async for event in self._measured(sender, prompts, self.clock() + self.plan.seconds):
                yield event
            await self._keep()
            yield Ended(self.run, self.stopped)
        except Exception:
            self.stopped = "failed"
            raise
        finally:
            await sender.close()

    def _began(self) -> Began:
        price, plan = self.target.price, self.plan
        most = None if price is None else plan.most_usd(price, self.context)
        if plan.max_usd is not None and (most is None or most > plan.max_usd):
            name = self.target.served_as
            told = f"The price of {name} is not known" if most is None else f"{name} could cost ${most:.4f}"
            less = "measure less: --repeats, --prompt-tokens, --concurrency."
            raise UsageError(
                f"{told}, and --max-cost allows ${plan.max_usd:.4f}.",
                hint=f"Leave --max-cost away, and {less}" if most is None else f"Raise --max-cost, or {less}",
                code="cost",
            )
        steps = plan.steps(self.context)
        requests = plan.repeats * sum(number for _, number in steps)
        return Began(self.target.served_as, self.target.label, requests, most, self.target.notes)

    async def _warmed(self, sender: Sender, prompts: Prompts) -> AsyncGenerator[Event]:
        """Loads the model, learns how long a word is in tokens, and lets every number at once run once."""
        target, answer = self.target, self.plan.warm_tokens(api=self.target.kind == "litellm")
        if self.plan.cold and target.kind == "ollama":
            yield self._working("load")
            await asyncio.to_thread(_unload, target)
            target = self.target = replace(target, loaded=False)
        yield self._working("warm-up" if target.loaded else "load")
        short = await sender.adapted(prompts.of_words(WARM_LENGTHS[0]), answer)
        self.held = await asyncio.to_thread(held_by, target)
        yield self._working("warm-up")
        long = await sender.adapted(prompts.of_words(WARM_LENGTHS[1]), answer)
        self._learn_load(short, long)
        if short.stated.prompt_tokens and long.stated.prompt_tokens:
            prompts.learn((short.words, short.stated.prompt_tokens), (long.words, long.stated.prompt_tokens))
        steps = self.plan.steps(self.context)
        for number in warm_numbers(steps):
            yield self._working("warm-up", steps[0][0], number)
            await sender.round([prompts.make(steps[0][0]) for _ in range(number)], answer)

    def _learn_load(self, first: Sample, second: Sample) -> None:
        """The time of the load: as the server states it, else what the first request waited longer."""
        if self.target.loaded:
            return
        stated = first.stated.load_s
        seconds = first.first_token_s - second.first_token_s if stated is None else stated
        if seconds >= LEAST_LOAD:
            self.load_s, self.load_from = seconds, "wall clock" if stated is None else "Ollama"

    async def _measured(self, sender: Sender, prompts: Prompts, end: float) -> AsyncGenerator[Event]:
        """All steps, then all again: where the budget ends it, every step has about as many repeats."""
        steps = self.plan.steps(self.context)
        for _ in range(self.plan.repeats):
            for length, number in steps:
                left = end - self.clock()
                if self.rounds and self._seconds(length, number) > left:
                    self.stopped = "seconds"
                    continue
                yield self._working("measure", length, number)
                began = self.clock()
                try:
                    # Never cut before anything is there: a slow machine gets at least one figure.
                    async with asyncio.timeout(max(left, 0.1) if self.rounds else None):
                        batch = [prompts.make(length) for _ in range(number)]
                        samples = await sender.round(batch, self.plan.output_tokens)
                except TimeoutError:
                    self.stopped = "seconds"
                    continue
                self._took[length, number] = self.clock() - began
                self.rounds.append(Round(length, samples))
                await self._keep()
        if self.stopped == "interrupted":
            self.stopped = None

    async def _keep(self) -> None:
        """A folder that cannot be written is no reason to end what goes well."""
        run = self.run
        try:
            if run is not None:
                await asyncio.to_thread(self.keep, run)
        except AdvisorError as error:
            self.not_kept = error

    def _seconds(self, length: int, number: int) -> float:
        """What a step will about take: as it did before, else as the longest of those of its number did."""
        if (length, number) in self._took:
            return self._took[length, number]
        return max((took for (_, other), took in self._took.items() if other == number), default=0.0)

    def _working(self, phase: Phase, length: int = 0, parallel: int = 1) -> Working:
        steps, repeats = self.plan.steps(self.context), self.plan.repeats
        done = sum(one.parallel for one in self.rounds)
        left = None
        if self._took:
            ahead = repeats * len(steps) - len(self.rounds)
            left = ahead * sum(self._took.values()) / len(self._took)
        return Working(phase, done, repeats * sum(number for _, number in steps), length, parallel, left)


def _unload(target: Target) -> None:
    """Has Ollama drop the model, and waits until it is gone."""
    assert target.address is not None
    from tools.measuring.target import running_row

    end = time.monotonic() + UNLOAD_SECONDS
    with Questions(target.address, target.headers) as questions:
        questions.ask("/api/generate", {"model": target.served_as, "keep_alive": 0})
        while running_row(questions, target.served_as) and time.monotonic() < end:
            time.sleep(0.1)
