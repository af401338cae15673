"""Runs a plan: every scenario with every model, side by side, recorded as it goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from tools.evaluation.answers import Answered, Asked, Done, Graded, Key, Spent
from tools.evaluation.calls import Desk, Patience
from tools.evaluation.contenders import Contender, contender
from tools.evaluation.dialogue import asking, hold
from tools.evaluation.format import JudgeCheck, Scenario
from tools.evaluation.grading import graded
from tools.evaluation.journal import AS_JUDGE, FILE, Journal, Kept, open_journal, read_journal, run_folder
from tools.evaluation.judge import checks_to_judge, judged
from tools.evaluation.plan import Plan
from tools.evaluation.spending import TINY, CeilingError, Purse
from tools.model_calls.errors import ModelError

ENDING = frozenset(
    {
        *("no_key", "bad_key", "quota", "unknown_model", "model_missing", "memory", "address", "no_price"),
        *("unreachable", "rate_limit"),
    }
)
"""Failures after which a model is not asked again in this run."""
MOST_MISSES = 5
"""Scenarios in a row without an answer, after which a model is left alone too."""


@dataclass(frozen=True, slots=True)
class Began:
    """How much there is to do."""

    total: int
    """Runs of scenarios, over all models and repeats."""
    done: int
    """Of these, finished in earlier parts of the run."""
    pending: int


@dataclass(frozen=True, slots=True)
class Step:
    """A scenario was finished once."""

    done: int
    total: int
    graded: Graded
    usd: float
    """Spent so far, over the whole run."""


@dataclass(frozen=True, slots=True)
class Paused:
    """A provider asked to wait."""

    server: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Again:
    """A request failed and is made again, in so many seconds."""

    error: ModelError
    seconds: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """A model or the judge fails; `scenario` is None where it is not asked again."""

    model: str
    scenario: str | None
    error: ModelError


@dataclass(slots=True)
class Result:
    """All that is known at the end, or where it was interrupted."""

    plan: Plan
    runs: tuple[Graded, ...]
    """In the order of the plan."""
    failures: dict[str, ModelError] = field(default_factory=dict)
    """Models that cannot be used, by name."""
    judge_failure: ModelError | None = None
    """Why the judge cannot be used."""
    misses: list[tuple[Key, ModelError]] = field(default_factory=list)
    """Runs of scenarios that brought no answer this time."""
    usd: float = 0.0
    spent: dict[str, Spent] = field(default_factory=dict)
    """By model."""
    judge_spent: Spent = field(default_factory=Spent)
    resumed: int = 0
    """Runs of scenarios that were there already."""
    kept: Kept = field(default_factory=Kept)
    folder: Path | None = None
    stopped: str | None = None
    """The sentence about the ceiling, where it ended the run."""

    @property
    def complete(self) -> bool:
        """Whether every scenario was finished with every model."""
        return len(self.runs) == len(self.plan.work())


Event = Began | Step | Paused | Again | Trouble | Result


async def evaluate(
    plan: Plan, folder: Path | None = None, *, fresh: bool = False, patience: Patience | None = None
) -> AsyncGenerator[Event]:
    """Runs a plan; sends events as it goes, the `Result` last. Closing it keeps what is finished.

    LiteLLM's connections stay open for whoever else uses them; `tools.model_calls.client.close` closes them
    before the event loop ends.

    Args:
        plan: what is run.
        folder: the state folder; None for the person's.
        fresh: everything anew; otherwise what an earlier run of the same left is taken up.
        patience: with passing faults.

    Raises:
        AdvisorError: the record cannot be kept, or another process runs the same.
    """
    with open_journal(plan, folder, fresh=fresh) as journal:
        run = _Run(plan, journal, patience or Patience())
        async with aclosing(run.events()) as events:
            async for event in events:
                yield event
        yield await asyncio.to_thread(run.result)


def result_so_far(plan: Plan, folder: Path | None = None) -> Result:
    """What the record of a plan holds, without asking anybody; for a run that was interrupted."""
    kept = read_journal(run_folder(plan, folder) / FILE)
    return _result(plan, kept, run_folder(plan, folder))


def _result(plan: Plan, kept: Kept, folder: Path) -> Result:
    scenarios = {scenario.id: scenario for scenario in plan.rubric.scenarios}
    runs = tuple(
        graded(plan.rubric, scenarios[key.scenario], key, kept.done[key])
        for key in plan.work()
        if key in kept.done
    )
    spent: dict[str, Spent] = {}
    by_judge = Spent()
    for run in runs:
        spent[run.key.model] = spent.get(run.key.model, Spent()) + run.done.answered.spent
        by_judge += run.done.judge_spent
    return Result(plan, runs, spent=spent, judge_spent=by_judge, usd=kept.usd, kept=kept, folder=folder)


class _Run:
    """One run while it goes."""

    def __init__(self, plan: Plan, journal: Journal, patience: Patience) -> None:
        self.plan = plan
        self.journal = journal
        self.kept = journal.kept
        self.resumed = sum(key in self.kept.done for key in plan.work())
        self.purse = Purse(plan.settings.max_cost, self.kept.usd)
        self.desk = Desk(plan.settings, self.purse, patience, self._paused, self._again)
        self.contenders: dict[str, Contender] = {}
        self.judge: Contender | None = None
        self.failures: dict[str, ModelError] = {}
        self.judge_failure: ModelError | None = None
        self.misses: list[tuple[Key, ModelError]] = []
        self.in_a_row: dict[str, int] = {}
        self.stopped: str | None = None
        self.scenarios = {scenario.id: scenario for scenario in plan.rubric.scenarios}
        self.total, self.done = len(plan.work()), self.resumed
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    async def events(self) -> AsyncGenerator[Event]:
        """Everything but the result."""
        pending = [key for key in self.plan.work() if key not in self.kept.done]
        yield Began(self.total, self.resumed, len(pending))
        if not pending:
            return
        work = asyncio.create_task(self._work(pending))
        try:
            while not work.done() or not self._events.empty():
                getting = asyncio.ensure_future(self._events.get())
                await asyncio.wait({getting, work}, return_when=asyncio.FIRST_COMPLETED)
                if getting.done():
                    yield getting.result()
                else:
                    getting.cancel()
            await work
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await work
            self._keep_losses()

    def result(self) -> Result:
        """What is known now."""
        result = _result(self.plan, self.kept, self.journal.path.parent)
        result.failures, result.judge_failure = self.failures, self.judge_failure
        result.misses = self.misses
        result.stopped, result.resumed, result.usd = self.stopped, self.resumed, self.purse.spent
        return result

    async def _work(self, pending: list[Key]) -> None:
        await self._meet({key.model for key in pending})
        lanes: dict[str, list[Key]] = {}
        for key in pending:
            if key.model in self.contenders:
                lanes.setdefault(self.contenders[key.model].provider, []).append(key)
        try:
            async with asyncio.TaskGroup() as group:
                for keys in lanes.values():
                    # A server of one's own would load the models in turn, again and again.
                    lane = deque(sorted(keys, key=lambda key: self.plan.models.index(key.model)))
                    for _ in range(min(self.plan.settings.concurrency, len(keys))):
                        group.create_task(self._lane(lane))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _meet(self, models: set[str]) -> None:
        """Finds out what the models and the judge need; those that cannot be used are told and left out."""
        wanted = [name for name in self.plan.models if name in models]
        judge = self.plan.judge if self.plan.judged else None
        if judge is not None:
            try:
                self.judge = await self._met(judge, as_judge=True)
            except ModelError as error:
                if self.plan.endpoint is not None and self.plan.judge_endpoint is None:
                    error.hint += (
                        " A judge at an OpenAI-compatible server needs --judge-endpoint URL as well."
                    )
                self._give_up_judge(judge, error)
                return  # nothing could be finished
        for name in wanted:
            try:
                self.contenders[name] = await self._met(name)
            except ModelError as error:
                self._give_up(name, error)

    async def _met(self, name: str, *, as_judge: bool = False) -> Contender:
        """A model or the judge, ready to be asked.

        Raises:
            ModelError: it cannot be used.
        """
        found = await contender(self.plan, name, as_judge=as_judge)
        if found.profile.price is None and self.plan.settings.max_cost is not None:
            raise ModelError(
                "no_price",
                f"The price of {name} is not known, so that the ceiling could not be kept.",
                "Use a model of `llm-advisor models list --api` or a local one, or leave out --max-cost.",
            )
        self.journal.meet(f"{name}{AS_JUDGE}" if as_judge else name, found.about)
        return found

    async def _lane(self, keys: deque[Key]) -> None:
        while keys and self.stopped is None:
            key = keys.popleft()
            if key.model in self.failures or self.judge_failure is not None:
                continue
            try:
                await self._one(key)
                self.in_a_row[key.model] = 0
            except CeilingError as reached:
                self.stopped = reached.message
            except ModelError as error:
                self._missed(key, error)

    async def _one(self, key: Key) -> None:
        """One scenario with one model, once: answered, recorded, judged, recorded."""
        scenario = self.scenarios[key.scenario]
        answered = self.kept.answered.get(key)
        if answered is None:
            answered = await self._answered(key, scenario)
        done = Done(answered)
        if to_judge := checks_to_judge(self.plan.rubric, scenario, answered):
            if key not in self.kept.answered:
                self.journal.answer(key, answered)
            done = await self._judged(key, scenario, answered, to_judge)
        self.journal.done(key, done)
        self.done += 1
        done_now = self.done
        # A pattern may take half a second, in which nothing else would go on.
        row = await asyncio.to_thread(graded, self.plan.rubric, scenario, key, done)
        self._events.put_nowait(Step(done_now, self.total, row, self.purse.spent))

    async def _answered(self, key: Key, scenario: Scenario) -> Answered:
        """The conversation; each turn but the last, which is recorded with the whole, as soon as it came."""
        there = tuple(self.kept.turns.get(key, ()))
        count = len(there)

        def on_turn(asked: Asked) -> None:
            nonlocal count
            count += 1
            if count < scenario.model_turns:
                self.journal.turn(key, asked)

        seed = self.plan.settings.seed + key.repeat - 1
        rubric, who = self.plan.rubric, self.contenders[key.model]
        ask = asking(self.desk, who, rubric, scenario, seed, there, on_turn)
        return await hold(ask, scenario, scenario.system or rubric.system)

    async def _judged(
        self, key: Key, scenario: Scenario, answered: Answered, checks: Sequence[tuple[str, int, JudgeCheck]]
    ) -> Done:
        assert self.judge is not None
        found = dict(self.kept.judged.get(key, {}))
        for place, number, check in checks:
            if place in found:
                continue
            try:
                found[place] = await judged(
                    self.desk, self.judge, scenario.turns(), answered, number, check, self.plan.settings.seed
                )
            except ModelError as error:
                if error.code in ENDING:
                    self._give_up_judge(self.judge.label, error)
                raise
            if len(found) < len(checks):
                self.journal.verdict(key, place, found[place])
        spent = sum((one.spent for one in found.values()), Spent())
        return Done(answered, {place: one.verdict for place, one in found.items()}, spent)

    def _missed(self, key: Key, error: ModelError) -> None:
        self.misses.append((key, error))
        self.in_a_row[key.model] = self.in_a_row.get(key.model, 0) + 1
        if self.judge_failure is not None:
            return  # told already, and not this model's failure
        if error.code in ENDING or self.in_a_row[key.model] >= MOST_MISSES:
            self._give_up(key.model, error)
        else:
            self._events.put_nowait(Trouble(key.model, key.scenario, error))

    def _give_up(self, name: str, error: ModelError) -> None:
        if name not in self.failures:
            self.failures[name] = error
            self._events.put_nowait(Trouble(name, None, error))

    def _give_up_judge(self, name: str, error: ModelError) -> None:
        if self.judge_failure is None:
            self.judge_failure = error
            self._events.put_nowait(Trouble(f"{name}{AS_JUDGE}", None, error))

    def _paused(self, server: str, seconds: float) -> None:
        self._events.put_nowait(Paused(server, seconds))

    def _again(self, error: ModelError, seconds: float) -> None:
        self._events.put_nowait(Again(error, seconds))

    def _keep_losses(self) -> None:
        """What lost requests have cost is part of the run's cost also when it is taken up again."""
        lost = self.purse.spent - self.kept.usd
        if lost > TINY:
            spent = Spent(usd=lost, estimated=True)
            self.journal.lose(spent)
            self.kept.lost += spent
