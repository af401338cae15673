"""`plan migration --run`: the five steps of the review, done one a call and kept over weeks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError, UsageError
from knowledge.today import today
from tools.commands.evaluate import (
    AtOnce,
    Endpoint,
    Judge,
    JudgeEndpoint,
    JudgeKey,
    KeyVariable,
    PerMinute,
    Repeats,
    Watch,
)
from tools.commands.lookups import model_named
from tools.commands.plan_migration import MigrationQuery
from tools.commands.requests import MAX_NAME, Name, Number, Text
from tools.evaluation.plan import CONCURRENCY, endpoint_address
from tools.reviews import asking as ask
from tools.reviews import state
from tools.reviews.decision import decide
from tools.reviews.document import review_document
from tools.reviews.state import Asking, Mark, Review
from tools.reviews.steps import (
    ASKING,
    DECISION,
    FILTER,
    OWN_TASKS,
    TRAINING,
    Standing,
    computed_result,
    settle,
)

Document = dict[str, Any]
Pairs = Annotated[
    tuple[Annotated[str, Field(min_length=3, max_length=2 * MAX_NAME)], ...], Field(max_length=20)
]


class ReviewQuery(MigrationQuery):
    """Request of `plan migration` with a review that is kept."""

    run: bool = Field(False, description="begin a review that is kept, or do its next step")
    status: bool = Field(False, description="tell how the kept review stands; runs nothing")
    forget: bool = Field(False, description="remove the kept review")
    review: Name | None = Field(
        None,
        description="name of the kept review; that of BASE where missing",
        json_schema_extra={"metavar": "NAME"},
    )
    rubric: Name | None = Field(
        None,
        description="your scenarios for step 3 (as `evaluate` takes them): a file, or the name of an example",
        json_schema_extra={"metavar": "FILE"},
    )
    served: Pairs = Field(
        (),
        description="how a base is asked, where not by its Ollama tag; may be given several times",
        json_schema_extra={"metavar": "NAME=MODEL"},
    )
    tuned: Pairs = Field(
        (),
        description="how a base with its test adapter is asked, for step 4; may be given several times",
        json_schema_extra={"metavar": "NAME=MODEL"},
    )
    endpoint: Endpoint = None
    key_variable: KeyVariable = None
    judge: Judge = None
    judge_endpoint: JudgeEndpoint = None
    judge_key_variable: JudgeKey = None
    repeats: Repeats = 1
    max_cost: Annotated[float, Number, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = Field(
        None,
        description="dollars that all models of the review may cost together; it stops before",
        json_schema_extra={"metavar": "USD"},
    )
    concurrency: AtOnce = CONCURRENCY
    requests_per_minute: PerMinute = None
    again: Annotated[int, Number, Field(ge=1, le=6)] | None = Field(
        None, description="with --run: do this step anew, also where it is done"
    )
    done: Annotated[int, Number, Field(ge=1, le=5)] | None = Field(
        None, description="note that your own part of this step is done"
    )
    note: Text | None = Field(
        None, description="with --done: what came out", json_schema_extra={"metavar": "TEXT"}
    )


ACTIONS = ("run", "status", "forget", "done")
OWN = frozenset(ReviewQuery.model_fields) - frozenset(MigrationQuery.model_fields)
HOW = frozenset(Asking.model_fields)


@dataclass(frozen=True, slots=True)
class Watching:
    """Who is told what a run does."""

    told: Callable[[Document], None] = lambda document: None
    """A step is about to ask models: `step`, `name`, `models`, `estimate`."""
    event: Watch | None = None


def asks_for_review(query: ReviewQuery) -> bool:
    """Whether a request is about a kept review.

    Raises:
        UsageError: options of a review without saying what to do with it, or two things at once.
    """
    wanted = [name for name in ACTIONS if getattr(query, name) not in (False, None)]
    if len(wanted) > 1:
        raise UsageError(f"--{wanted[0]} and --{wanted[1]} are two things.", hint="Give one of them.")
    given = sorted(OWN & query.model_fields_set - set(ACTIONS))
    if given and not wanted:
        option = given[0].replace("_", "-")
        raise UsageError(f"--{option} belongs to a review that is kept.", hint="Add --run, or --status.")
    if (query.again is not None and not query.run) or (query.note is not None and query.done is None):
        what = "--again goes with --run" if query.again is not None else "--note goes with --done"
        raise UsageError(f"{what}.", hint="See `llm-advisor plan migration --help`.")
    return bool(wanted)


def review_base(
    query: ReviewQuery, watching: Watching | None = None, *, offline: bool = False, folder: Path | None = None
) -> Document:
    """Begins, goes on with, shows or removes a review.

    Args:
        query: the request, see `asks_for_review`.
        watching: told what is asked.
        offline: forbids to ask any model.
        folder: the state folder; None for the person's.

    Returns:
        The document of the review; `ran` is the step that this call did.

    Raises:
        AdvisorError: no such review, a damaged file, or the folder cannot be written.
        UsageError: the request is off.
    """
    base, note = model_named(query.base)
    name = state.usual_name(base.name) if query.review is None else state.checked_name(query.review)
    if query.forget:
        with state.held(folder):
            state.forget(name, folder)
        return {"review": name, "forgotten": True}
    if query.status:
        review = state.load(name, folder)
        if review is None:
            raise state.missing(name, folder)
        _same_base(review, base.id)
        _taken(review, query)
        document = review_document(Standing(review, today(), folder), offline=offline)
    else:
        with state.held(folder):
            document = _changed(query, name, base.id, watching or Watching(), offline=offline, folder=folder)
    return document | ({"note": note} if note else {})


def _same_base(review: Review, base: str) -> None:
    if review.base != base:
        raise UsageError(
            f"The review {review.name} is about {review.base}, not {base}.",
            hint="Give another name with --review.",
        )


def _changed(
    query: ReviewQuery, name: str, base: str, watching: Watching, *, offline: bool, folder: Path | None
) -> Document:
    """A call that changes the review."""
    review, damaged = _opened(query, name, base, folder)
    _same_base(review, base)
    _taken(review, query)
    at = Standing(review, today(), folder)
    if query.done is not None:
        review.marks[query.done] = Mark(on=at.day.isoformat(), note=query.note)
    if query.again is not None:
        _anew(at, query.again)
    _keep(at)
    ran = _run(at, watching, offline=offline) if query.run else None
    document = review_document(Standing(review, at.day, folder), ran=ran, offline=offline)
    if damaged is not None:
        document["caveats"].insert(
            0, f"The file of this review was damaged; it is set aside as {damaged.name}."
        )
    return document


def _opened(query: ReviewQuery, name: str, base: str, folder: Path | None) -> tuple[Review, Path | None]:
    """The review, begun where it is not there, and where a damaged one was set aside."""
    damaged = None
    try:
        review = state.load(name, folder)
    except AdvisorError as error:
        if error.code != "damaged" or not query.run:
            raise
        review, damaged = None, state.set_aside(name, folder)
    if review is None:
        if not query.run:
            raise state.missing(name, folder)
        day = today().isoformat()
        review = Review(name=name, base=base, began=day, changed=day)
    return review, damaged


def _taken(review: Review, query: ReviewQuery) -> None:
    """Puts the options that were given into the review; the others stay as an earlier call had them.

    Raises:
        UsageError: a rubric, a model or an address that is none.
    """
    given = query.model_dump(mode="json", include=query.model_fields_set - OWN - {"base"})
    review.request = {**review.request, **given}
    how = review.asking.model_dump()
    for key in (HOW & query.model_fields_set) - {"served", "tuned"}:
        how[key] = getattr(query, key)
    for key in ("endpoint", "judge_endpoint"):
        if (address := getattr(query, key)) is not None:
            how[key] = endpoint_address(address)
    if query.rubric is not None:
        path = Path(query.rubric).expanduser()
        how["rubric"] = str(path.resolve()) if path.suffix or path.exists() else query.rubric
    for key, pairs in (("served", query.served), ("tuned", query.tuned)):
        how[key] = {**how[key], **dict(map(_pair, pairs))}
    review.asking = Asking.model_validate(how)
    _told_apart(review.asking)
    if query.rubric is not None:
        ask.plan_for(review.asking, "ollama_chat/any")


def _told_apart(asking: Asking) -> None:
    by_id = load_catalog().by_id
    for model_id, tuned in asking.tuned.items():
        model = by_id.get(model_id.lower())
        if model is not None and ask.served_as(model, asking) == tuned:
            raise UsageError(
                f"`{tuned[:60]}` is {model.name} without an adapter.",
                hint="Name the model with its test adapter under a name of its own.",
            )


def _pair(text: str) -> tuple[str, str]:
    name, _, served = text.partition("=")
    if not name.strip() or not served.strip():
        raise UsageError(
            f"`{text[:60]}` names no model.",
            hint="NAME=MODEL, for example qwen3-4b=ollama_chat/qwen3:4b-instruct.",
        )
    return model_named(name.strip())[0].id, served.strip()


def _anew(at: Standing, step: int) -> None:
    if step not in at.review.steps:
        raise UsageError(f"Step {step} was not done yet.", hint="--run without --again does the next one.")
    if step in ASKING:
        at.review.anew[step] = [one.model_id for one in at.contenders(step)]
    if step not in ASKING or not at.review.anew[step]:
        del at.review.steps[step]


def _keep(at: Standing) -> None:
    at.review.changed = at.day.isoformat()
    state.save(at.review, at.folder)


def _run(at: Standing, watching: Watching, *, offline: bool) -> Document | None:
    """Does the next step that can be done."""
    step = at.next_step(offline=offline)
    if step is None:
        return None
    ran: Document = {"step": step, "interrupted": False, "error": None}
    if step == DECISION:
        settle(at, step, _decision(at))
    elif step == OWN_TASKS:
        ran |= _asked(at, step, {}, watching, offline=offline)
    elif step == TRAINING and at.contenders(step):
        ran |= _asked(at, step, computed_result(at, step), watching, offline=offline)
    else:
        settle(at, step, computed_result(at, step))
    _keep(at)
    return ran


def _asked(at: Standing, step: int, result: Document, watching: Watching, *, offline: bool) -> Document:
    """A step that asks models; what is there is kept after each of them."""
    who, review = at.contenders(step), at.review
    estimate = at.estimate(step)
    if estimate is not None and estimate["requests"]:
        left = [one for one in who if one.served_as in estimate["asks"]]
        names = [{"model": one.model, "served_as": one.served_as} for one in left]
        watching.told({"step": step, "models": names, "estimate": estimate})

    def begun(model_id: str) -> None:
        if model_id in review.anew.get(step, ()):
            review.anew[step].remove(model_id)
            _keep(at)

    def there(rows: list[Document]) -> None:
        _settle_asked(at, step, {**result, "measured": rows}, len(who))
        _keep(at)

    other = at.contenders(TRAINING if step == OWN_TASKS else OWN_TASKS)
    anew = tuple(review.anew.get(step, ()))
    found = ask.ask(
        review.asking,
        who,
        anew,
        ask.Listener(begun, there, watching.event),
        beside=other,
        offline=offline,
        folder=at.folder,
    )
    _settle_asked(at, step, {**result, "measured": found.rows}, len(who))
    return {"interrupted": found.interrupted, "error": found.error}


def _settle_asked(at: Standing, step: int, result: Document, models: int) -> None:
    rows = result["measured"]
    days = [date.fromisoformat(row["last"][:10]) for row in rows if row.get("last")]
    complete = len(rows) == models and all(row["complete"] for row in rows)
    if complete:
        at.review.anew.pop(step, None)
    settle(at, step, result, complete=complete, on=min(days, default=at.day))


def _decision(at: Standing) -> Document:
    steps = at.review.steps
    names = {row["model_id"]: row["model"] for row in steps[FILTER].result["rows"]}
    missed = steps[FILTER].result["rows"][0]["missed"]
    bare = steps[OWN_TASKS].result["measured"] if OWN_TASKS in steps else []
    tuned = steps[TRAINING].result.get("measured", []) if TRAINING in steps else []
    left = [names[one] for one in at.candidates]
    bare, tuned = (
        [row for row in rows if row["complete"] and row["model_id"] in at.bases] for rows in (bare, tuned)
    )
    return decide(names[at.review.base], missed, left, bare, tuned, base_id=at.review.base)
