"""Memory as bars that follow the context slider and the keys for quantization, cache and conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from tui.glyphs import glyphs
from tui.widgets.context_slider import ContextSlider, Scale
from tui.widgets.memory_bar import draw_bar, draw_bars
from tui.widgets.picture_pane import Drawing, PicturePane, Words

if TYPE_CHECKING:
    from tui.pictures.memory import MemoryPicture, Tuning

KEYS = (
    "Left and Right change the context (Home and End: its ends), Up and Down or [ ] the quantization, "
    "k the KV cache, + and - the conversations at once; o names another model, h another machine."
)


def _drawn(picture: MemoryPicture, width: int) -> Content:
    """The bars of use, and under them that of training, which has parts and a legend of its own."""
    bars = draw_bars(picture.bars, width, glyphs())
    if picture.training is None:
        return bars
    return Content("\n\n").join([bars, draw_bar(picture.training, width, glyphs())])


class MemoryPane(PicturePane):
    """The memory of one model."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "context(-1)", "Change", key_display="Arrows"),
        Binding("right", "context(1)", show=False),
        Binding("home,shift+left", "end(False)", show=False),
        Binding("end,shift+right", "end(True)", show=False),
        Binding("left_square_bracket,down", "quant(-1)", show=False),
        Binding("right_square_bracket,up", "quant(1)", show=False),
        Binding("k", "cache", "KV cache"),
        Binding("plus,equals_sign", "parallel(1)", show=False),
        Binding("minus", "parallel(-1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="picture-memory")
        self.tuning: Tuning | None = None
        self._picture: MemoryPicture | None = None

    def compose(self) -> ComposeResult:
        yield Words(id="memory-head")
        yield ContextSlider()
        yield Drawing(id="memory-bars")
        yield Words(id="memory-words")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be changed where nothing is drawn: an API model takes no memory here."""
        if action in ("context", "end", "quant", "cache", "parallel"):
            return self.tuning is not None
        return super().check_action(action, parameters)

    def tell(self, *lines: str) -> None:
        """Say why there is nothing to draw."""
        self.tuning = self._picture = None
        self.refresh_bindings()
        self.query_one(ContextSlider).display = False
        self.query_one("#memory-bars").display = False
        self.query_one("#memory-words").display = False
        self.query_one("#memory-head", Words).show([(line, "") for line in lines])

    def show(self, tuning: Tuning) -> None:
        """Draw a configuration; under a millisecond of calculation."""
        if self.tuning is None:
            self.refresh_bindings()
        self.tuning = tuning
        picture = self._picture = tuning.picture()
        limits = picture.limits
        slider = self.query_one(ContextSlider)
        slider.display = True
        slider.show(Scale(limits.least, limits.window, picture.context, limits.fits))
        right = not picture.verdict.startswith("Does not")
        self.query_one("#memory-head", Words).show(
            [(picture.headline, "bold"), (picture.verdict, "bold $success" if right else "bold $error")]
        )
        bars = self.query_one("#memory-bars", Drawing)
        bars.display = True
        bars.draw(lambda width: _drawn(picture, width))
        words = self.query_one("#memory-words", Words)
        words.display = True
        words.show([*((line, "") for line in picture.sentences), (KEYS, "$foreground-muted")])

    def table(self) -> tuple[tuple[str, ...], ...]:
        return self._picture.rows if self._picture is not None else ()

    @property
    def headline(self) -> str:
        """What is drawn, in one line."""
        return self._picture.headline if self._picture is not None else ""

    def action_context(self, by: int) -> None:
        """The next stop of the slider."""
        if self.tuning is not None:
            self.show(self.tuning.stepped(by))

    def action_end(self, last: bool) -> None:
        """The least context, or the model's own limit."""
        if self.tuning is not None:
            limits = self.tuning.limits
            self.show(self.tuning.at(limits.window if last else limits.least))

    def action_quant(self, by: int) -> None:
        """The next smaller or larger quantization."""
        if self.tuning is not None:
            self.show(self.tuning.quantized(by))

    def action_cache(self) -> None:
        """The next type of the KV cache."""
        if self.tuning is not None:
            self.show(self.tuning.cached())

    def action_parallel(self, by: int) -> None:
        """One conversation at once more or fewer."""
        if self.tuning is not None:
            self.show(self.tuning.shared(by))

    @on(ContextSlider.Asked)
    def _asked(self, event: ContextSlider.Asked) -> None:
        event.stop()
        self.screen.set_focus(self)
        if self.tuning is not None:
            self.show(self.tuning.at(event.context))
