"""Which declarations of a style sheet, and which attributes, keep a reader from seeing an element."""

from __future__ import annotations

import re

_ZERO = re.compile(r"[+-]?0*(?:\.0*)?(?:px|pt|em|rem|%|vw|vh)?")
_TINY = re.compile(r"0*(?:\.\d+|1)(?:px|pt)")
_FAR = re.compile(r"-\s*\d{3,}(?:\.\d+)?(?:px|pt|em|rem|%|vw|vh)?")
_BLOCKS = re.compile(r"@[^{};]+\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}|/\*.*?\*/|@[^{};]*;", re.DOTALL)
_RULE = re.compile(r"([^{}]{1,300})\{([^{}]*)\}")
_ATTRIBUTE = re.compile(r"([a-z-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?", re.IGNORECASE)
MAX_RULES = 100
"""Rules of style sheets that are followed."""


def style_hides(style: str) -> bool:
    """Whether CSS declarations hide an element, or paint its text in the color of what lies below it."""
    given = dict(_declarations(style))
    size = given.get("font-size", "")
    ground = given.get("background-color") or given.get("background", "")
    color = _color(given.get("color", ""))
    return (
        given.get("display") == "none"
        or given.get("visibility") in ("hidden", "collapse")
        or bool(_ZERO.fullmatch(given.get("opacity", "1")))
        or bool(size and (_ZERO.fullmatch(size) or _TINY.fullmatch(size)))
        or bool(color and (color == _color(ground) or color == "transparent"))
        or any(_FAR.fullmatch(given.get(key, "")) for key in ("left", "right", "top", "text-indent"))
        or (given.get("overflow") == "hidden" and _no_room(given))
    )


def hiding_selectors(sheet: str) -> list[str]:
    """The selectors of a style sheet whose elements nobody sees; rules for print and the like are none."""
    rules = _RULE.findall(_BLOCKS.sub("", sheet))
    return [selector.strip() for selector, style in rules if style_hides(style)][:MAX_RULES]


def attributes_hide(attributes: str) -> bool:
    """Whether the attributes of a tag, as text, hide its element."""
    given = {
        found[1].lower(): found[2] or found[3] or found[4] or "" for found in _ATTRIBUTE.finditer(attributes)
    }
    return (
        "hidden" in given
        or given.get("aria-hidden", "").strip().lower() == "true"
        or style_hides(given.get("style", ""))
    )


def _declarations(style: str) -> list[tuple[str, str]]:
    pairs = []
    for part in style.lower().split(";"):
        key, mark, value = part.partition(":")
        if mark:
            pairs.append((key.strip(), value.replace("!important", "").strip()))
    return pairs


def _no_room(given: dict[str, str]) -> bool:
    return any(
        _ZERO.fullmatch(given[key]) or _TINY.fullmatch(given[key])
        for key in ("width", "height")
        if given.get(key)
    )


_NAMED = {"white": "ffffff", "black": "000000", "red": "ff0000", "blue": "0000ff", "yellow": "ffff00"}
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*(?:[,/]\s*([\d.]+%?)\s*)?\)")


def _color(text: str) -> str:
    """One spelling of a color; empty where there is none."""
    text = text.strip()
    if found := _RGB.fullmatch(text):
        if found[4] in ("0", "0.0", "0%"):
            return "transparent"
        return "".join(f"{int(part):02x}" for part in found.groups()[:3])
    if text.startswith("#"):
        digits = text[1:]
        return "".join(2 * digit for digit in digits[:3]) if len(digits) in (3, 4) else digits[:6]
    return _NAMED.get(text, text)
