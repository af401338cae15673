"""Tables copied from a web page without their rules: `7B~5 GB~19 GB` under a line of glued headers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from knowledge.claims.amounts import amounts
from knowledge.claims.atoms import METHOD
from knowledge.claims.said import Place
from knowledge.claims.types import Claim, Conditions, Subject

_ROW = re.compile(r"(?P<size>\d+(?:\.\d+)?)B(?P<cells>(?:\s?~?\d+(?:\.\d+)?\s?[GM]i?B){2,})")


def pasted_rows(lines: Sequence[str], first: int, last: int) -> set[int]:
    """Indices of the lines of a paragraph that are rows of a pasted table, with the header's."""
    rows = {i for i in range(first, last) if _ROW.fullmatch(lines[i].strip())}
    if len(rows) < 2:
        return set()
    header = next((i for i in range(min(rows) - 1, first - 1, -1) if lines[i].strip()), None)
    return rows | ({header} if header is not None else set())


def pasted_claims(lines: Sequence[str], rows: set[int], place: Place) -> Iterator[Claim]:
    """Training memory by size, where the glued headers name as many methods as a row has figures."""
    from dataclasses import replace

    header = lines[min(rows)]
    methods = [
        str(match.lastgroup)
        for match in METHOD.finditer(re.sub(r"(?=Q-?LoRA|(?<!Q)LoRA)|(?=VRAM)", " ", header))
    ]
    for index in sorted(rows)[1:]:
        match = _ROW.fullmatch(lines[index].strip())
        found = amounts(re.sub(r"(?<=B)~?(?=\d)", " ~", match["cells"])) if match else []
        if match is None or len(found) != len(methods):
            continue
        here = replace(place, line=index + 1)
        subject = Subject("size", f"{match['size']}B", (match["size"],))
        for method, amount in zip(methods, found, strict=True):
            yield Claim(
                here.file,
                here.origin,
                here.heading,
                here.line,
                lines[index].strip(),
                amount.words,
                subject,
                "training_memory",
                amount.stated,
                conditions=Conditions(method=method),
            )
