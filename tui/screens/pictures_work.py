"""What the pictures need worked out, each in a thread; the screen gets it by message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from textual import work
from textual.message import Message
from textual.screen import Screen

from knowledge.errors import AdvisorError
from tui.claims import line_of, map_of
from tui.glyphs import glyphs
from tui.pictures.chart import Chart
from tui.pictures.speed import By, CurvePoint, users_curve

if TYPE_CHECKING:
    from tools.needs import Volume
    from tui.pictures.ground import Ground
    from tui.pictures.memory import Tuning

Words = tuple[str, ...]
Rows = tuple[tuple[str, ...], ...]


class Ready(Message):
    """Needs and machine are read; without a tuning, `problem` says why."""

    def __init__(self, tuning: Tuning | None, problem: Words = ()) -> None:
        super().__init__()
        self.tuning, self.problem = tuning, problem


class CurvesReady(Message):
    """Speed of one configuration by users and by context."""

    def __init__(self, name: str, curves: dict[By, Sequence[CurvePoint]]) -> None:
        super().__init__()
        self.name, self.curves = name, curves


class Told(Message):
    """A chart with its words and table, or only words that say why there is none."""

    def __init__(
        self, what: Literal["quality", "cost"], words: Words, chart: Chart | None = None, rows: Rows = ()
    ) -> None:
        super().__init__()
        self.what, self.words, self.chart, self.rows = what, words, chart, rows


def said(error: AdvisorError) -> Words:
    """An error as sentences."""
    return (error.message, error.hint) if error.hint else (error.message,)


class PicturesWork(Screen[None]):
    """The threads of the pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.ground: Ground | None = None
        """Needs and machine; None until they are read."""
        self.bought = False
        """Whether the price of the machine is counted."""
        self._volume: Volume | None = None

    @work(thread=True, exclusive=True, group="load", exit_on_error=False)
    def load(self, raw: Mapping[str, Any], entry: Mapping[str, Any] | None, typed: str, machine: str) -> None:
        """Read the needs, the machine and the model, and load the plotting library."""
        from tui.pictures.ground import ground_of, on_machine, split_words, tuning_named, tuning_of

        if self.ground is None:
            self.bought = map_of((entry or {}).get("hardware")).get("owned") is False
        ground = ground_of(raw)
        try:
            name, where = split_words(typed)
            if where or machine:
                ground = on_machine(ground, where or machine)
            self.ground = ground
            tuning = tuning_named(name, ground) if entry is None else tuning_of(entry, ground)
        except AdvisorError as error:
            self.ground = ground
            self.post_message(Ready(None, (*said(error), "o names another model, h another machine.")))
            return
        import tui.widgets.plot  # noqa: F401 - takes a while, so not on the screen's loop

        name = line_of((entry or {}).get("model"))
        nothing = (f"{name} runs at its provider: it takes none of your memory.", "n shows the next option.")
        self.post_message(Ready(tuning, () if tuning is not None else nothing))

    @work(thread=True, exclusive=True, group="curves", exit_on_error=False)
    def curves(self, tuning: Tuning | None, entry: Mapping[str, Any] | None) -> None:
        """Speed by context and by users."""
        told = users_curve(entry) if entry is not None else ()
        if tuning is None:
            if entry is not None:
                self.post_message(CurvesReady(line_of(entry.get("model")), {"users": told}))
            return
        import tui.widgets.plot  # noqa: F401 - as above
        from tui.pictures.speed_curves import context_curve, crowd_curve

        users = told or crowd_curve(tuning)
        name = f"{tuning.subject.model.name} {tuning.request.quant}"
        self.post_message(CurvesReady(name, {"context": context_curve(tuning), "users": users}))

    @work(thread=True, exclusive=True, group="landscape", exit_on_error=False)
    def landscape(self, raw: Mapping[str, Any]) -> None:
        """Every feasible model, and the front."""
        import tui.widgets.plot  # noqa: F401 - as above
        from tools.landscape import landscape
        from tui.pictures.quality import quality_chart, quality_table, quality_words

        needs = self.ground.needs if self.ground is not None else None
        if needs is None:
            self.post_message(Told("quality", UNREAD))
            return
        try:
            land = landscape(needs)
        except AdvisorError as error:
            self.post_message(Told("quality", said(error)))
            return
        if not land.places:
            self.post_message(Told("quality", ("No model meets all of these needs.", RELAX)))
            return
        chart = quality_chart(land, raw, glyphs())
        words = quality_words(land, raw, glyphs())
        self.post_message(Told("quality", words, chart, quality_table(land, raw)))

    @work(thread=True, exclusive=True, group="costs", exit_on_error=False)
    def costs(self, entry: Mapping[str, Any] | None) -> None:
        """What each way costs over the months."""
        import tui.widgets.plot  # noqa: F401 - as above
        from tools.planning.cost_months import cost_over_months
        from tui.pictures.cost import (
            assumed_words,
            cost_chart,
            cost_table,
            cost_words,
            legend,
            recommended_words,
        )
        from tui.pictures.ground import model_of

        ground = self.ground
        if ground is None or ground.brief is None or ground.needs is None:
            self.post_message(Told("cost", UNREAD))
            return
        model = model_of(entry) if entry is not None else None
        try:
            months = cost_over_months(ground.brief, model, buy=self.bought, volume=self._volume)
        except AdvisorError as error:
            self.post_message(Told("cost", said(error)))
            return
        assumed = self._volume is None and ground.needs.volume is None
        volume = ASSUMED if assumed else ""
        # The recommendation's figure holds for its own volume only.
        itself = () if self._volume else recommended_words(entry, [course.model for course in months.courses])
        words = (
            *itself,
            *cost_words(months),
            *legend(months),
            *(word for word in (volume,) if word),
            *assumed_words(months.document),
        )
        self.post_message(Told("cost", words, cost_chart(months), cost_table(months)))

    def set_volume(self, text: str) -> str:
        """Take another volume; gives back what is wrong with it, empty where nothing is."""
        from tools.commands.plan_cost import PlanCostQuery
        from tools.commands.requests import parse
        from tools.needs import Volume

        parts = text.replace("/", " ").replace(" in", " ").replace(" out", " ").split()
        keys = dict(zip(("input_tokens", "output_tokens"), parts, strict=False))
        try:
            query = parse(PlanCostQuery, keys)
        except AdvisorError as error:
            return " ".join(said(error))
        if len(parts) > 2 or not (query.input_tokens or query.output_tokens):
            return "Tokens in and tokens out a day, such as 300k 60k, or 2M."
        self._volume = Volume(
            input_tokens_per_day=query.input_tokens, output_tokens_per_day=query.output_tokens
        )
        return ""


UNREAD = (
    "The needs of this recommendation cannot be read, so nothing can be worked out for them.",
    "Press Ctrl+R in the chat for a new recommendation.",
)
RELAX = "See what would change the answer in the recommendation, and relax one need."
ASSUMED = "The volume is assumed, because it was not said: t changes it."
