"""The answer as Markdown, for the clipboard and for a file."""

from __future__ import annotations

from collections.abc import Sequence

from tui.age_text import age_words
from tui.answer import Answer, Candidate
from tui.plaintext import gib


def as_markdown(answer: Answer) -> str:
    """The whole answer."""
    parts: list[str] = ["## Recommendation"]
    if answer.error:
        parts.append(" ".join(part for part in answer.error if part))
    parts.extend(_candidate(one) for one in answer.candidates)
    parts.append(
        _list("What would change this", [f"If {when}: {then}" for when, then in answer.would_change])
    )
    parts.append(_list("Assumed", [f"{slot}: {value} ({why})" for slot, value, why in answer.assumptions]))
    parts.append(_list("Why not another model", [f"{model}: {reason}" for model, reason in answer.rejected]))
    parts.append(age_words(answer.raw))
    return "\n\n".join(part for part in parts if part) + "\n"


def _candidate(one: Candidate) -> str:
    lines = [f"### {one.rank}. {one.model}"]
    if one.headline:
        lines.append(one.headline)
    facts = [
        ("memory", one.memory),
        ("system memory", one.host_memory),
        ("speed", f"{one.speed} ({one.speed_basis})" if one.speed_basis else one.speed),
        ("quality", one.quality_words),
        ("license", f"{one.license}, {one.license_words}"),
        ("cost", one.cost),
        *one.facts,
    ]
    lines.append("\n".join(f"- {name}: {text}" for name, text in facts if text and text != "unknown"))
    for bar in one.bars:
        free = (
            ""
            if bar.free is None
            else f", free {gib(bar.free)}"
            if bar.free >= 0
            else f", over by {gib(-bar.free)}"
        )
        lines.append(
            f"Memory of {bar.device}: " + ", ".join(f"{word} {gib(part)}" for word, part in bar.parts) + free
        )
    why = [claim.text + "".join(f" [{number}]" for number in claim.sources) for claim in one.why]
    lines.append(_list("Why", why))
    lines.append(_list("Mind", one.caveats))
    for command in one.commands:
        lines.append((f"{command.label}:\n" if command.label else "") + f"```sh\n{command.shell}\n```")
    lines.append(_list("Sources", [f"[{source.number}] {source.label}" for source in one.sources]))
    return "\n\n".join(line for line in lines if line)


def _list(title: str, lines: Sequence[str]) -> str:
    return f"**{title}**\n" + "\n".join(f"- {line}" for line in lines) if lines else ""
