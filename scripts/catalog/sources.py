"""Field sources, each text stored once."""

from __future__ import annotations

from collections.abc import Mapping


def pack_sources(by_model: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    """Texts in one table; each model maps the number of a text to the fields that come from it."""
    texts: dict[str, int] = {}
    models: dict[str, dict[str, str]] = {}
    for model_id, fields in by_model.items():
        grouped: dict[int, list[str]] = {}
        for field, text in fields.items():
            grouped.setdefault(texts.setdefault(text, len(texts)), []).append(field)
        models[model_id] = {str(number): " ".join(names) for number, names in grouped.items()}
    return {"texts": list(texts), "models": models}
