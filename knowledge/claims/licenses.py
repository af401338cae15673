"""Licenses in sentences: which one a model has, and whether it may be used commercially."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from knowledge.claims import cues
from knowledge.claims.atoms import Atoms
from knowledge.claims.said import Place, attributed_at
from knowledge.claims.scene import Around, subjects_at
from knowledge.claims.types import Claim, Quantity, Subject


def license_claims(text: str, atoms: Atoms, place: Place, around: Around) -> Iterator[Claim]:
    """Which license a model has, and whether it may be used commercially."""
    if len(atoms.models) > 12 or (not atoms.models and not around.last):
        return
    for match in cues.LICENSE_PATTERN.finditer(text):
        index = next(i for i in range(len(cues.LICENSES)) if match[f"l{i}"])
        chosen = _licensed(text, match, atoms, around)
        if chosen:
            yield from _stated(text, place, match, chosen, "license", cues.LICENSES[index][1])
    for pattern, value in ((cues.COMMERCIAL_NO, "no"), (cues.COMMERCIAL_YES, "yes")):
        said = pattern.search(text)
        if said is not None and len(atoms.models) == 1 and not cues.HYPOTHETICAL.search(text):
            yield from _stated(text, place, said, (atoms.models[0].subject,), "commercial_use", value)


def _licensed(text: str, match: re.Match[str], atoms: Atoms, around: Around) -> tuple[Subject, ...]:
    before = [atom for atom in atoms.models if atom.end <= match.start()]
    if not before or any(a.start < match.end() and match.start() < a.end for a in atoms.models):
        return ()
    gap = text[before[-1].end : match.start()]
    is_said = re.search(
        r"^\s?(?:\([^)]*\)\s?)?(?:,? ?(?:which|that) )?(?:is|are|has|have|uses?|comes?"
        r"|ships?|released|falls?|stands?|carr(?:y|ies)"
        r"|,|:)?\s?"
        r"(?:also |fully |now |still |under |with |a |an |the |licensed |available |released |published "
        r"|distributed |permissively |license |permissive |out |open |is |its |in )*\(?$",
        gap,
        re.I,
    )
    inside = re.fullmatch(r"\s?\((?:[^()]*,\s)?", gap)
    if not (is_said or inside) or re.search(r"\bnot\b|n't\b|\bunlike\b", gap):
        return ()
    chosen = subjects_at(text, match.start(), match.end(), before)
    return tuple(atom.subject for atom in chosen)


def _stated(
    text: str, place: Place, match: re.Match[str], subjects: Sequence[Subject], quantity: Quantity, value: str
) -> Iterator[Claim]:
    negated = quantity == "license" and bool(
        re.search(
            r"\b(?:not|no longer|isn't|is not)\s(?:under )?(?:the |an? )?$", text[: match.start()], re.I
        )
    )
    for subject in subjects:
        yield Claim(
            place.file,
            place.origin,
            place.heading,
            place.line,
            text,
            match[0],
            subject,
            quantity,
            None,
            value,
            attributed=attributed_at(text, match.start()),
            negated=negated,
            past=bool(re.search(r"\btagged\b|\bwas\b", text[: match.start()])),
        )
