"""Which models of the catalog a text names, and where."""

from __future__ import annotations

from knowledge.catalog.mentions import Mention, find_model_names
from knowledge.catalog.store import load_catalog

MENTION_WINDOW = 3_500
"""`find_model_names` reads 4,000 characters."""


def mentions(text: str) -> list[Mention]:
    """All model names of a text of any length."""
    catalog = load_catalog()
    found: list[Mention] = []
    start = 0
    while start < len(text):
        end = start + MENTION_WINDOW
        if end < len(text):
            end = max(text.rfind("\n", start, end), text.rfind(" ", start, end), start + MENTION_WINDOW // 2)
        for m in find_model_names(catalog, text[start:end]):
            name = m.text.partition("(")[0].rstrip()  # "Qwen3-14B (Q4_K_M" names a quantization as well
            first = m.start + start
            last = first + len(name)
            if not _part_of_a_word(text, first, last):
                found.append(Mention(name, first, last, m.record, m.choices, m.note))
        start = end
    return found


def _part_of_a_word(text: str, start: int, end: int) -> bool:
    """Whether the K of `Q4_K_M` was taken for a name."""
    around = text[start - 1 : start] + text[end : end + 1]
    return end - start < 2 or any(char == "_" or char.isalnum() for char in around)


def meant(mention: Mention) -> set[str]:
    """The ids of the models that a name may stand for."""
    return {mention.record.id} if mention.record is not None else set(mention.choices)
