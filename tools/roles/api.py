"""Models behind an API: what the providers' prices, windows and public scores say."""

from __future__ import annotations

from knowledge.catalog.api_models import current_api_models
from knowledge.catalog.records import ApiModel
from tools.brief import Brief
from tools.candidates import Candidate, Configuration, LicenseFigure, Reason, Rejected
from tools.memory.types import Evidence
from tools.pricing import MonthlyCost, monthly_cost
from tools.roles.common import Ranked, cautious, diverse
from tools.task_mix import api_expected_for, api_quality_for
from tools.utility import Scores, context_score, cost_score, table, utility
from tools.wishes import is_called, names_of, place_refusal

TERMS = LicenseFigure(
    "proprietary", "conditional", "provider terms; most forbid training competing models on the outputs"
)
MODES = ("chat", "responses")
SPEED = 80.0
"""Score of a speed that is not known and, as providers go, faster than people read. Our own choice."""


def refusal(model: ApiModel, brief: Brief, cost: MonthlyCost | None) -> tuple[str, str] | None:
    """Why an API model is out of the question, if it is: (reason, constraint)."""
    if model.max_input_tokens is None or model.max_input_tokens < brief.context:
        window = f"{model.max_input_tokens:,}" if model.max_input_tokens else "an unknown number of"
        return f"takes {window} input tokens, {brief.context:,} are needed", "context"
    wanted = {"vision": model.vision, "tool_calling": model.tool_calling, "thinking": model.thinking}
    for feature in (*brief.features, *(("vision",) if "vision" in brief.tasks else ())):
        if feature in wanted and not wanted[feature]:
            return f"no {feature.replace('_', ' ')} listed", "features"
    if cost is None:
        return "its price is not known", "budget"
    limit = brief.budget.usd_per_month
    if limit is not None and cost.usd > limit:
        return f"about ${cost.usd:,.0f} a month, the budget is ${limit:,.0f}", "budget"
    return None


def rank(brief: Brief, *, keep: int = 20) -> Ranked:
    """The first `keep` API models by utility; nothing where the data may not leave the machine."""
    out = Ranked()
    priced: list[tuple[float, ApiModel, MonthlyCost, Scores]] = []
    if brief.private or brief.mode == "local":
        return out
    for model in current_api_models():
        if model.mode not in MODES or (brief.wish.named and model.key not in brief.wish.named):
            continue
        names = names_of(model.provider, model.key)
        if is_called(brief.wish.excluded, *names):
            continue
        if brief.wish.families and not (brief.wish.named or is_called(brief.wish.families, *names)):
            continue
        cost = monthly_cost(model, brief.volume, brief.context)
        seat = place_refusal(brief.wish, model.provider, model.key)
        refused = (seat, "model") if seat is not None else refusal(model, brief, cost)
        if refused is not None:
            out.rejected.append(Rejected(model.key, model.key, *refused))
        elif cost is not None:
            scores = _scores(model, cost, brief)
            priced.append((utility(brief.priority, scores), model, cost, scores))
    priced.sort(key=lambda item: -item[0])
    told = keep > 1  # the best alone is asked for to compare with, and its evidence is not shown
    out.candidates = [_candidate(*item, brief, told=told) for item in priced[:keep]]
    out.rejected.sort(key=lambda r: -api_expected_for(str(r.model_id), brief.tasks).score)
    return Ranked(out.candidates, out.rejected[:8])


def _scores(model: ApiModel, cost: MonthlyCost, brief: Brief) -> Scores:
    return Scores(
        quality=cautious(api_expected_for(model.key, brief.tasks)),
        speed=SPEED,
        context=context_score(model.max_input_tokens, brief.context),
        memory=100.0,
        license=float(table()["license_score"][TERMS.commercial_use]),
        support=100.0,
        cost=cost_score(cost.usd, brief.budget.usd_per_month),
    )


def _features(model: ApiModel) -> tuple[str, ...]:
    pairs = (
        ("tool_calling", model.tool_calling),
        ("thinking", model.thinking),
        ("vision", model.vision),
        ("structured_output", model.structured_output),
    )
    return (*(name for name, there in pairs if there), "multilingual")


def _candidate(
    value: float, model: ApiModel, cost: MonthlyCost, scores: Scores, brief: Brief, *, told: bool
) -> Candidate:
    expected = api_expected_for(model.key, brief.tasks)
    quality = api_quality_for(model.key, brief.tasks) if told else expected.figure
    price = Evidence("catalog", model.source, model.key)
    caveats = [f"The provider switches it off on {model.ends}."] if model.ends else []
    if brief.speed_is_hard:
        caveats.append("How fast a provider answers is not known here: measure it before you rely on it.")
    configuration = Configuration(
        quant="provider",
        engine=model.provider,
        context=model.max_input_tokens or brief.context,
        parallel=brief.parallel,
        kv_cache_type="provider",
        memory=None,
        available_bytes=0,
        fits=True,
        speed=None,
    )
    return Candidate(
        model=model.key.split("/", 1)[-1],
        model_id=model.key,
        kind="api",
        role="generator",
        params_total_b=None,
        params_active_b=None,
        features=_features(model),
        context_length=model.max_input_tokens,
        release_date=None,
        hardware=None,
        owned=False,
        configuration=configuration,
        quality=quality,
        license=TERMS,
        utility=value,
        scores=scores,
        usd_per_month=round(cost.usd, 2),
        why=(
            Reason(
                f"Costs about ${cost.usd:,.2f} a month at {brief.volume_words}: {cost.formula}.", (price,)
            ),
        ),
        caveats=tuple(caveats),
        extra={"family": model.provider},
    )


def choose(brief: Brief, count: int = 4) -> Ranked:
    """The diverse best few."""
    ranked = rank(brief, keep=20 if count > 1 else 1)
    return Ranked(diverse(ranked.candidates, count), ranked.rejected)
