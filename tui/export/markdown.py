"""A conversation's document as Markdown, with every source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agent.events import Cost
from tui.age_text import age_notes
from tui.answer import read_answer
from tui.answer_text import as_markdown
from tui.claims import SourceList, line_of, map_of, maps_of
from tui.model_commands import cost_words
from tui.needs_view import read_needs
from tui.plaintext import clean

MAIN = "main"
_MARKS = re.compile(r"([\\`*_\[\]<>&~|])")
_LINE_START = re.compile(r"^(\s*)(?:([#+=-])|(\d+)([.)]))")
_CODE = re.compile(r"(`+)(.+?)\1")


def conversation_markdown(document: Mapping[str, Any]) -> str:
    """The whole conversation, its branches after it.

    Args:
        document: as `agent.transcript` gives it.
    """
    name = literal(line_of(document.get("session")))
    told = ", ".join(
        part for part in (line_of(document.get("program")), line_of(document.get("exported"))) if part
    )
    parts = [f"# Conversation with llm-advisor: {name}", literal(told), _cost(map_of(document.get("cost")))]
    lines = [document, *maps_of(document.get("branches"))]
    for line in sorted(lines, key=lambda line: line.get("branch") != MAIN):
        if len(lines) > 1:
            parts.append(_branch_title(line))
        parts += _line(line)
    return "\n\n".join(part for part in parts if part) + "\n"


def _cost(spent: Mapping[str, Any]) -> str:
    """What API models took; nothing where there was none."""
    into, out = spent.get("prompt_tokens"), spent.get("answer_tokens")
    usd = spent.get("usd")
    if not isinstance(into, int) or not isinstance(out, int) or not (into or out):
        return ""
    known = float(usd) if isinstance(usd, int | float) else None
    told = cost_words(Cost(None, into, out, known, spent.get("estimated") is True, None))
    return literal(f"Cost of API models: {told}")


def literal(text: str) -> str:
    """A line that Markdown shows as it stands."""
    escaped = _MARKS.sub(r"\\\1", text)
    return _LINE_START.sub(lambda at: f"{at[1]}\\{at[2]}" if at[2] else f"{at[1]}{at[3]}\\{at[4]}", escaped)


def _branch_title(line: Mapping[str, Any]) -> str:
    name, origin = line_of(line.get("branch")), line_of(line.get("from"))
    if name == MAIN:
        return "# The main conversation"
    return f"# Branch {literal(name)} (from {literal(origin)})"


def _line(line: Mapping[str, Any]) -> list[str]:
    parts = ["## What was said", *(_message(said) for said in maps_of(line.get("messages")))]
    parts.append(_needs(line))
    recommendation = line.get("recommendation")
    if isinstance(recommendation, Mapping):
        text = no_html(as_markdown(read_answer(recommendation)))
        verdict = line_of(recommendation.get("verdict"))
        parts.append(text.replace("## Recommendation", f"## Recommendation\n\n{no_html(verdict)}", 1).strip())
        parts += [no_html(note) for note in age_notes(map_of(recommendation.get("facts")))]
    return parts


def _message(said: Mapping[str, Any]) -> str:
    at = line_of(said.get("at"))
    when = f" ({at})" if at else ""
    if said.get("role") == "user":
        lines = clean(said.get("text") or "").split("\n")
        quoted = "  \n".join("> " + literal(line.strip()) for line in lines)
        return f"**You**{when}:\n\n{quoted}"
    text = f"**Advisor**{when}:\n\n{no_html(clean(said.get('text') or '').strip())}"
    sources = SourceList()
    for citation in maps_of(said.get("citations")):
        sources.add(citation)
    listed = [f"- [{one.number}] {_source(one.label, one.locator)}" for one in sources.all()]
    return text + ("\n\nSources:\n\n" + "\n".join(listed) if listed else "")


def _source(label: str, locator: str) -> str:
    return literal(label) + (f" (`{locator.replace('`', '')}`)" if locator else "")


def _needs(line: Mapping[str, Any]) -> str:
    rows = read_needs(map_of(line.get("needs")), maps_of(line.get("assumptions")))
    if not rows:
        return ""
    words = {"said": "you said", "detected": "detected on this machine", "assumed": "assumed"}
    table = ["## Needs", "", "| need | value | where it comes from |", "| --- | --- | --- |"]
    for row in rows:
        detail = f": \u201c{row.detail}\u201d" if row.detail and row.origin == "said" else ""
        detail = detail or (f": {row.detail}" if row.detail else "")
        cells = (row.label, row.value, words.get(row.origin, row.origin) + detail)
        table.append("| " + " | ".join(literal(cell) for cell in cells) + " |")
    return "\n".join(table)


def no_html(markdown: str) -> str:
    """Markdown in which no tag stands for anything; code stays as it is."""
    lines, fenced = [], False
    for line in markdown.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        lines.append(line if fenced else _no_tags(line))
    return "\n".join(lines)


def _no_tags(line: str) -> str:
    done, at = "", 0
    for code in _CODE.finditer(line):
        done += line[at : code.start()].replace("<", "&lt;") + code[0]
        at = code.end()
    return done + line[at:].replace("<", "&lt;")
