"""Whether a base is changed, by pass rates that were measured on a person's own scenarios.

The rule is the guide's: a gain of at least twice the standard error after the same training, no loss beyond
noise in any kind of task. The paired test has to agree, since several candidates are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.evaluation.statistics import LEVEL, Tally, compare, estimate, holm
from tools.planning.base_review import table
from tools.planning.rubric import standard_error

Row = Mapping[str, Any]
"""A model that was measured, see `tools.reviews.asking.measured_row`."""
Document = dict[str, Any]


def tallies_of(row: Row) -> dict[str, Tally]:
    """Passed and all runs of each scenario."""
    return {name: Tally(int(passed), int(runs)) for name, (passed, runs) in row["outcomes"].items()}


def noise(rate: float, cases: float) -> float:
    """Twice the standard error of a pass rate, as a share.

    At 70 %, the guide's rate, or at the measured one where that scatters more: 100 % is not certain either.

    Args:
        rate: the measured rate.
        cases: independent cases that it rests on.
    """
    number = max(1, int(cases))
    return 2 * max(standard_error(rate, number), standard_error(table()["pass_rate"], number))


def compared(base: Row, others: Sequence[Row]) -> list[Document]:
    """Each candidate against the base, the largest gain first; without a common scenario it is left out."""
    own = tallies_of(base)
    found = [_one(base, own, each) for each in others]
    rows = [row for row in found if row is not None]
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_corrected"] = round(corrected, 6)
        row["more_than_noise"] = row["gain"] >= row["gain_needed"]
        row["shown"] = corrected < LEVEL
        row["enough"] = row["more_than_noise"] and row["shown"] and not row["losses"]
    return sorted(rows, key=lambda row: -row["gain"])


def _one(base: Row, own: Mapping[str, Tally], other: Row) -> Document | None:
    theirs = tallies_of(other)
    common = [name for name in own if name in theirs]
    if not common:
        return None
    found = compare([(theirs[name], own[name]) for name in common])
    rate = estimate([own[name] for name in common])
    return {
        "model": other["model"],
        "model_id": other["model_id"],
        "pass_rate": other["pass_rate"],
        "base_pass_rate": round(rate.rate, 6),
        "gain": round(found.difference, 6),
        "gain_interval_95": {"low": round(found.low, 6), "high": round(found.high, 6)},
        "gain_needed": round(noise(rate.rate, rate.cases), 6),
        "p": found.p,
        "scenarios": found.scenarios,
        "losses": _losses(base, other),
    }


def _losses(base: Row, other: Row) -> list[Document]:
    """Kinds of tasks, by their tags, in which a candidate passes less, beyond noise."""
    own = {row["tag"]: row for row in base["tags"]}
    found = []
    for row in other["tags"]:
        before = own.get(row["tag"])
        if before is None:
            continue
        lost = before["pass_rate"] - row["pass_rate"]
        if lost > 0 and lost >= noise(before["pass_rate"], min(before["scenarios"], row["scenarios"])):
            found.append({"tag": row["tag"], "loss": round(lost, 6), "scenarios": row["scenarios"]})
    return found


def decide(
    base: str,
    missed: Sequence[str],
    left: Sequence[str],
    bare: Sequence[Row],
    tuned: Sequence[Row],
    base_id: str,
) -> Document:
    """Whether to change the base.

    Args:
        base: name of the base in use.
        missed: hard requirements that it misses.
        left: names of the candidates that are left, the most promising first.
        bare: models that were measured untuned.
        tuned: models that were measured with a test adapter.
        base_id: hub id of the base.
    """
    if not left:
        return _document("no", f"No candidate is left: keep {base}.", None, "requirements", [])
    basis, rows = _rows(base_id, bare, tuned)
    if missed:
        best = rows[0]["model"] if rows else left[0]
        text = f"{base} misses a hard requirement ({', '.join(missed)}): plan the change to {best}."
        if rows:
            text += f" {_told(rows[0], basis)}"
        return _document("yes", text, best, basis if rows else "requirements", rows)
    if not rows:
        return _document("open", "Nothing was measured of base and candidates both.", None, None, [])
    return _by_rates(base, rows, basis)


def _rows(base_id: str, bare: Sequence[Row], tuned: Sequence[Row]) -> tuple[str, list[Document]]:
    """The comparison after training where base and a candidate have it, else the untuned one."""
    for basis, measured in (("tuned", tuned), ("bare", bare)):
        base = next((row for row in measured if row["model_id"] == base_id), None)
        others = [row for row in measured if row["model_id"] != base_id]
        if base is not None and others and (rows := compared(base, others)):
            return basis, rows
    return "bare", []


def _by_rates(base: str, rows: list[Document], basis: str) -> Document:
    first = next((row for row in rows if row["enough"]), None)
    best = first or rows[0]
    told = _told(best, basis)
    if first is not None and basis == "tuned":
        return _document("yes", f"Plan the change to {first['model']}. {told}", first["model"], basis, rows)
    if first is not None:
        text = (
            f"{told} Untuned rates do not decide: change only if the gain is there after the same training."
        )
        return _document("open", text, first["model"], basis, rows)
    if best["more_than_noise"] and not best["losses"]:
        text = f"{told} The paired test does not show it (p {best['p_corrected']:.2g}): add scenarios."
        return _document("open", text, best["model"], basis, rows)
    if basis == "bare":
        text = f"{told} Untuned, no candidate is ahead by more than noise; how each takes training is open."
        return _document("open", text, None, basis, rows)
    return _document("no", f"Keep {base}. {told}", None, basis, rows)


def _told(row: Document, basis: str) -> str:
    """A comparison as a sentence."""
    gain, needed = 100 * row["gain"], 100 * row["gain_needed"]
    how = "after the same training" if basis == "tuned" else "untuned"
    where = f"on {row['scenarios']:,} scenarios {how}"
    ahead = f"{abs(gain):.0f} points {'ahead' if gain >= 0 else 'behind'}"
    rate = f"{100 * row['pass_rate']:.0f} %"
    text = f"{row['model']} passes {rate}, {ahead} {where}; less than {needed:.0f} is noise."
    if row["losses"]:
        lost = ", ".join(f"{each['tag']} ({100 * each['loss']:.0f} points)" for each in row["losses"])
        text += f" It loses in {lost}."
    return text


def _document(change: str, text: str, best: str | None, basis: str | None, rows: list[Document]) -> Document:
    return {"change": change, "text": text, "best": best, "basis": basis, "candidates": rows}
