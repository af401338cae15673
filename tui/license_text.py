"""The license of a model as text: its class, every clause, source and date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.output import bullets, section, wrapped
from tui.plaintext import clean

Document = Mapping[str, Any]
CLASSES = {
    "yes": "commercial use: yes",
    "conditional": "commercial use: under conditions",
    "no": "commercial use: no",
    "unknown": "commercial use: unknown, read the license",
}
EFFECTS = {
    "license-needed": "excludes without a separate license",
    "no-rights": "excludes",
    "duty": "duty",
    "allowed": "free",
    "unread": "read the license",
}


def license_lines(terms: Document) -> list[str]:
    """The license of a model.

    Args:
        terms: a license as the JSON document has it.
    """
    name = f" ({terms['name']})" if terms.get("name") else ""
    head = f"{terms['id']}{name}; {CLASSES[terms['commercial_use']]}."
    lines = wrapped(clean(head, one_line=True))
    for base in terms["inherited"]:
        known = f"the license {base['license']}" if base["license"] else "a license that is not known here"
        lines += wrapped(
            clean(f"Its base {base['base']} binds it to {known}: {base['source']}.", one_line=True)
        )
    several = len({clause["license"] for clause in terms["clauses"]}) > 1
    lines += bullets(_clause(clause, several) for clause in terms["clauses"])
    if not terms["verified"]:
        lines += wrapped("The text itself was not read here: read the license before you rely on it.")
    if terms.get("source"):
        lines += wrapped(clean(f"As of {terms['as_of']}, from {terms['source']}.", one_line=True))
    return section("License", lines)


def _clause(clause: Document, several: bool) -> str:
    of = f"{clause['license']}, " if several else ""
    text = f"{of}{clause['kind']} ({EFFECTS[clause['effect']]}): {clause['text']}"
    return clean(text, one_line=True)
