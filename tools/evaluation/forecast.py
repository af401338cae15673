"""What a run will take, before anything is sent: requests, tokens, dollars, time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from knowledge.catalog.api_models import is_local_provider
from knowledge.measured_here import MeasuredRun, load_runs
from knowledge.ollama import is_this_machine
from tools.evaluation.answers import Key
from tools.evaluation.contenders import JUDGE_TOKENS, reasoning_room
from tools.evaluation.format import AssistantMessage, JudgeCheck, Scenario, flat
from tools.evaluation.plan import Plan
from tools.model_calls.errors import OLLAMA
from tools.model_calls.profiles import split_model
from tools.model_calls.tokens import about_tokens
from tools.token_price import FREE, Price, price_of

USUAL_ANSWER = 150
"""Tokens of an answer where nothing shorter is the limit: an assumption."""
JUDGE_PROMPT, JUDGE_ANSWER = 500, 120
"""Tokens of a judge's request beside conversation and answer, and of its reply: assumptions."""
API_TPS, API_WAIT = 50.0, 1.5
LOCAL_TPS, LOCAL_PROMPT_TPS = 20.0, 400.0
"""Tokens per second where nothing was measured here: assumptions, said as such."""
SPREAD = 2.5
"""How far the time may be off either way."""


@dataclass(frozen=True, slots=True)
class Share:
    """One model's part of a run, or the judge's."""

    model: str
    requests: int
    prompt_tokens: int
    answer_tokens: int
    """At the usual length."""
    most_answer_tokens: int
    usd: float | None
    """None where no price is known."""
    most_usd: float | None
    seconds: float
    basis: str
    """Where the speed is from."""
    server: str
    """Who answers: models of the same one are asked in turn."""

    def as_json(self) -> dict[str, Any]:
        """A row of the estimate."""
        return {
            "model": self.model,
            "requests": self.requests,
            "prompt_tokens": self.prompt_tokens,
            "answer_tokens": self.answer_tokens,
            "usd": None if self.usd is None else round(self.usd, 6),
            "most_usd": None if self.most_usd is None else round(self.most_usd, 6),
            "seconds": round(self.seconds, 1),
            "basis": self.basis,
        }


@dataclass(frozen=True, slots=True)
class Forecast:
    """An estimate of a whole run."""

    shares: tuple[Share, ...]
    seconds: float
    finished: int
    """Runs of scenarios that are there already, and are not in the shares."""

    @property
    def requests(self) -> int:
        """Of all models and the judge."""
        return sum(share.requests for share in self.shares)

    @property
    def usd(self) -> float | None:
        """None where the price of some model is not known."""
        rows = [share.usd for share in self.shares]
        return None if None in rows else sum(usd for usd in rows if usd is not None)

    @property
    def most_usd(self) -> float | None:
        """Where every answer is as long as it may be, without repeated requests."""
        rows = [share.most_usd for share in self.shares]
        return None if None in rows else sum(usd for usd in rows if usd is not None)

    def as_json(self) -> dict[str, Any]:
        """The estimate as a document."""
        usd, most = self.usd, self.most_usd
        return {
            "requests": self.requests,
            "finished": self.finished,
            "usd": None if usd is None else round(usd, 6),
            "most_usd": None if most is None else round(most, 6),
            "seconds": {
                "low": round(self.seconds / SPREAD, 1),
                "mid": round(self.seconds, 1),
                "high": round(self.seconds * SPREAD, 1),
            },
            "models": [share.as_json() for share in self.shares],
        }


def forecast(plan: Plan, done: Sequence[Key] = ()) -> Forecast:
    """What a run will take; asks nobody. Reads the price map and what was measured here: call it in a thread.

    Args:
        plan: what is run.
        done: what is finished already.
    """
    there = set(done)
    left = [key for key in plan.work() if key not in there]
    by_id = {scenario.id: scenario for scenario in plan.rubric.scenarios}
    runs = load_runs()
    shares = []
    judge_work: list[tuple[int, int]] = []
    for model in plan.models:
        scenarios = [by_id[key.scenario] for key in left if key.model == model]
        room = _room(model, plan.endpoint)
        rows = [
            (prompt, usual, most + room)
            for scenario in scenarios
            for prompt, usual, most in _requests(plan, scenario)
        ]
        shares.append(_share(plan, model, rows, plan.endpoint, runs))
        if plan.judged:
            judge_work += [row for scenario in scenarios for row in _judge_requests(plan, scenario)]
    if plan.judge is not None and judge_work:
        longest = JUDGE_TOKENS + _room(plan.judge, plan.judge_endpoint)
        rows = [(prompt, JUDGE_ANSWER, max(most, longest)) for prompt, most in judge_work]
        shares.append(_share(plan, plan.judge, rows, plan.judge_endpoint, runs))
    return Forecast(tuple(shares), _together(plan, shares), len(there))


def _together(plan: Plan, shares: Sequence[Share]) -> float:
    """Seconds of the whole run: servers side by side, the models of each in turn and within its rate."""
    longest = 0.0
    for server in {share.server for share in shares}:
        own = [share for share in shares if share.server == server]
        seconds = sum(share.seconds for share in own)
        if plan.settings.requests_per_minute:
            seconds = max(
                seconds, 60.0 * sum(share.requests for share in own) / plan.settings.requests_per_minute
            )
        longest = max(longest, seconds)
    return longest


def _room(model: str, endpoint: str | None) -> int:
    """Tokens that a model may think beside its answer, where they are paid for."""
    return 0 if endpoint is not None or split_model(model)[0] == OLLAMA else reasoning_room(model)


def _requests(plan: Plan, scenario: Scenario) -> list[tuple[int, int, int]]:
    """Tokens in, usual tokens out and most tokens out of each turn of the model."""
    tools = [t.as_request() for t in (plan.rubric.tools if scenario.tools is None else scenario.tools)]
    most = scenario.max_tokens or plan.rubric.max_tokens
    usual = min(USUAL_ANSWER, most)
    messages: list[dict[str, Any]] = [{"content": scenario.system or plan.rubric.system or ""}]
    rows, said = [], 0
    for message in scenario.turns():
        if isinstance(message, AssistantMessage) and message.is_open:
            rows.append((about_tokens(messages, tools) + said, usual, most))
            said += usual
        else:
            messages.append(message.model_dump(mode="json"))
    return rows


def _judge_requests(plan: Plan, scenario: Scenario) -> list[tuple[int, int]]:
    checks = [*flat(plan.rubric.checks), *scenario.every_check()]
    prompt, usual, most = _requests(plan, scenario)[-1]
    return [(prompt + usual + JUDGE_PROMPT, most) for check in checks if isinstance(check, JudgeCheck)]


def _share(
    plan: Plan,
    model: str,
    rows: Sequence[tuple[int, int, int]],
    endpoint: str | None,
    runs: Sequence[MeasuredRun],
) -> Share:
    price = (FREE if is_this_machine(endpoint) else None) if endpoint is not None else price_of(model)
    prompt, answer, most = (sum(row[at] for row in rows) for at in range(3))
    local = is_local_provider(split_model(model)[0]) if endpoint is None else is_this_machine(endpoint)
    speed, basis = _speed(model, runs, local=local)
    if local:
        # One machine: what is asked at once is not ready sooner by as much.
        seconds = answer / speed + prompt / LOCAL_PROMPT_TPS
    else:
        seconds = (answer / speed + API_WAIT * len(rows)) / plan.settings.concurrency
    return Share(
        model,
        len(rows),
        prompt,
        answer,
        most,
        _usd(price, rows, 1),
        _usd(price, rows, 2),
        seconds,
        basis,
        endpoint or split_model(model)[0],
    )


def _usd(price: Price | None, rows: Sequence[tuple[int, int, int]], column: int) -> float | None:
    return None if price is None else sum(price.usd(row[0], row[column]) for row in rows)


def _speed(model: str, runs: Sequence[MeasuredRun], *, local: bool) -> tuple[float, str]:
    name = split_model(model)[1].removesuffix(":latest")
    for run in reversed(runs):
        rates = [point.generation_tps.mid for point in run.points if point.generation_tps is not None]
        if run.served_as.removesuffix(":latest") == name and rates:
            return rates[0], f"measured here on {run.measured_at.date().isoformat()}"
    if local:
        return LOCAL_TPS, f"assumed: {LOCAL_TPS:g} tok/s; nothing was measured here"
    return API_TPS, f"assumed: {API_TPS:g} tok/s and {API_WAIT:g} s to the first token"
