"""What of a PDF page's text is drawn so that nobody sees it.

It follows the drawing operators: text in render mode 3 or 7 on a page that is no scan, text as white as the
paper below it, text without opacity, text smaller than a point, text beside the page. Such text is emptied
before the extraction reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdf import PageObject

Matrix = tuple[float, float, float, float, float, float]
Box = tuple[float, float, float, float]

_UNIT: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_WHITE = 0.98
_SMALLEST = 1.0
"""Points; nobody reads smaller text."""
_SCAN_PIXELS = 250_000
"""A page with a picture this large may carry the recognized text of it, invisible by intent."""
_MAX_BOXES = 2_000
_FILLS = {b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"}
_PATH_ENDS = _FILLS | {b"S", b"s", b"n"}
_SHOWS = {b"Tj", b"TJ", b"'", b'"'}


@dataclass(slots=True)
class _State:
    """The part of the graphics state that decides what is seen."""

    ctm: Matrix = _UNIT
    white: bool = False
    mode: int = 0
    size: float = 0.0
    opaque: bool = True
    objects: Any = None
    """Pictures and forms by name; a form has names of its own."""
    looks: Any = None


def _matrix(numbers: Any) -> Matrix:  # noqa: ANN401
    a, b, c, d, e, f = (float(number) for number in numbers)
    return a, b, c, d, e, f


def _times(first: Matrix, second: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    g, h, i, j, k, m = second
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


def _at(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


class PageSight:
    """Visitor of `extract_text`: `before` and `after` see every operator."""

    def __init__(self, page: PageObject) -> None:
        self.hidden = 0
        """Characters that were left out."""
        self._state = _State()
        self._stack: list[_State] = []
        self._path: list[tuple[float, float]] = []
        self._dark: list[Box] = []
        self._use(_resolved(page.get("/Resources")))
        self._scan = _holds_scan(self._state.objects, 2)
        box = page.mediabox
        self._page: Box = (float(box.left), float(box.bottom), float(box.right), float(box.top))

    def before(self, operator: bytes, operands: Any, cm: Sequence[float], tm: Sequence[float]) -> None:  # noqa: ANN401
        """Follows an operator, and empties the text of one that shows what nobody sees."""
        try:
            if operator in _SHOWS:
                if self._unseen(tm):
                    self.hidden += _emptied(operator, operands)
            else:
                self._follow(operator, operands)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError):
            return  # operands that make no sense draw nothing

    def after(self, operator: bytes, operands: Any, cm: Sequence[float], tm: Sequence[float]) -> None:  # noqa: ANN401
        """A form ends where its `Do` does."""
        if operator == b"Do" and self._stack:
            self._state = self._stack.pop()

    def _follow(self, operator: bytes, operands: Any) -> None:  # noqa: ANN401
        state = self._state
        if operator in (b"q", b"Do"):
            self._stack.append(copy(state))
            if operator == b"Do":
                self._draw(operands[0])
        elif operator == b"Q":
            self._state = self._stack.pop() if self._stack else _State()
        elif operator == b"cm":
            state.ctm = _times(_matrix(operands), state.ctm)
        elif operator == b"Tr":
            state.mode = int(operands[0])
        elif operator == b"Tf":
            state.size = float(operands[1])
        elif operator in (b"g", b"rg", b"k", b"sc", b"scn"):
            state.white = _is_white(operator, operands)
        elif operator == b"gs":
            look = _resolved(state.looks.get(operands[0]))
            state.opaque = float(look.get("/ca", 1.0 if state.opaque else 0.0)) > 0.05
        else:
            self._outline(operator, operands)

    def _outline(self, operator: bytes, operands: Any) -> None:  # noqa: ANN401
        ctm = self._state.ctm
        if operator == b"re":
            x, y, width, height = (float(number) for number in operands)
            self._path += [_at(ctm, x, y), _at(ctm, x + width, y + height)]
        elif operator in (b"m", b"l", b"c", b"v", b"y"):
            self._path.append(_at(ctm, float(operands[-2]), float(operands[-1])))
        elif operator in _PATH_ENDS:
            if operator in _FILLS and not self._state.white:
                self._paint(self._path)
            self._path = []
        elif operator in (b"INLINE IMAGE", b"sh"):
            self._paint([_at(ctm, 0, 0), _at(ctm, 1, 1)] if operator != b"sh" else _corners(self._page))

    def _draw(self, name: object) -> None:
        """A picture covers the paper; a form draws with a matrix and names of its own until its `Do` ends."""
        state = self._state
        drawn = _resolved(state.objects.get(name))
        if drawn.get("/Subtype") == "/Image":
            self._paint([_at(state.ctm, 0, 0), _at(state.ctm, 1, 1)])
            return
        matrix = drawn.get("/Matrix")
        if matrix is not None:
            state.ctm = _times(_matrix(matrix), state.ctm)
        if resources := _resolved(drawn.get("/Resources")):
            self._use(resources)

    def _use(self, resources: Any) -> None:  # noqa: ANN401
        self._state.objects = _resolved(resources.get("/XObject"))
        self._state.looks = _resolved(resources.get("/ExtGState"))

    def _paint(self, points: Sequence[tuple[float, float]]) -> None:
        """Remembers what is no longer paper."""
        if points and len(self._dark) < _MAX_BOXES:
            across, up = [x for x, _ in points], [y for _, y in points]
            self._dark.append((min(across), min(up), max(across), max(up)))

    def _unseen(self, tm: Sequence[float]) -> bool:
        state = self._state
        place = _times(_matrix(tm), state.ctm)
        x, y = place[4], place[5]
        height = state.size * (place[2] ** 2 + place[3] ** 2) ** 0.5
        if state.mode in (3, 7):
            return not self._scan
        if not state.opaque or 0 < abs(height) < _SMALLEST:
            return True
        if not _inside(self._page, x, y, margin=max(abs(height), 20.0)):
            return True
        return state.white and not any(_inside(box, x, y, margin=2.0) for box in self._dark)


def _corners(box: Box) -> list[tuple[float, float]]:
    return [(box[0], box[1]), (box[2], box[3])]


def _inside(box: Box, x: float, y: float, margin: float) -> bool:
    return box[0] - margin <= x <= box[2] + margin and box[1] - margin <= y <= box[3] + margin


def _is_white(operator: bytes, operands: Any) -> bool:  # noqa: ANN401
    numbers = [float(number) for number in operands if isinstance(number, int | float)]
    if operator == b"k" or len(numbers) == 4:
        return max(numbers) <= 1 - _WHITE
    return bool(numbers) and len(numbers) in (1, 3) and min(numbers) >= _WHITE


def _emptied(operator: bytes, operands: Any) -> int:  # noqa: ANN401
    """Takes the text out of an operator's operands; its characters, blanks not counted."""
    from pypdf.generic import TextStringObject

    if operator == b"TJ":
        shown = [piece for piece in operands[0] if isinstance(piece, str | bytes)]
        operands[0].clear()
    else:
        shown = [operands[-1]]
        operands[-1] = TextStringObject("")
    return sum(sum(1 for sign in piece if sign not in (" ", 0, 32)) for piece in shown)


def _resolved(value: Any) -> Any:  # noqa: ANN401
    found = value.get_object() if hasattr(value, "get_object") else value
    return found if hasattr(found, "get") else {}


def _holds_scan(objects: Any, depth: int) -> bool:  # noqa: ANN401
    """Whether a page draws a picture that is large enough to be a scan of it."""
    try:
        for name in list(objects)[:200]:
            drawn = _resolved(objects[name])
            if drawn.get("/Subtype") == "/Image":
                if int(drawn.get("/Width", 0)) * int(drawn.get("/Height", 0)) >= _SCAN_PIXELS:
                    return True
            elif depth and _holds_scan(
                _resolved(_resolved(drawn.get("/Resources")).get("/XObject")), depth - 1
            ):
                return True
    except (TypeError, ValueError, KeyError, AttributeError):
        return False
    return False
