"""Whether a measurement of speed could break a tie, or whether scenarios have to."""

from __future__ import annotations

from collections.abc import Sequence

from tools.brief import Brief
from tools.candidates import Candidate
from tools.utility import is_tie, speed_penalty, speed_score, table


def speed_could_decide(candidates: Sequence[Candidate], brief: Brief) -> bool:
    """Whether speeds within their estimates could break the tie of the first options.

    Where everybody is fast enough whatever is measured, or a speed is that of a provider, it could not.

    Args:
        candidates: the options, best first.
        brief: what they were chosen for.
    """
    first = candidates[0]
    low, high = _span(first, brief)
    for other in candidates[1:]:
        if not other.tied or "api" in (first.kind, other.kind):
            continue
        its_low, its_high = _span(other, brief)
        spreads = first.quality.spread, other.quality.spread
        if not all(is_tie(brief.priority, gap, *spreads) for gap in (low - its_high, high - its_low)):
            return True
    return False


def _span(candidate: Candidate, brief: Brief) -> tuple[float, float]:
    """Utility at the lower and the upper end of the estimated speed; one value where it was measured."""
    speed = candidate.configuration.speed if candidate.configuration is not None else None
    if speed is None or (speed.here is not None and speed.here.rate is not None):
        return candidate.utility, candidate.utility
    weight = float(table()["weights"][brief.priority]["speed"])

    def worth(rate: float) -> float:
        score = speed_score(rate, brief.min_speed, brief.priority)
        return weight * score - speed_penalty(rate, brief.min_speed)

    low, mid, high = (worth(rate) for rate in (speed.low, speed.mid, speed.high))
    return candidate.utility + low - mid, candidate.utility + high - mid
