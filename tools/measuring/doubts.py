"""What may make a measurement say less than it seems to: a busy machine, and an earlier run that differs."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from math import log
from statistics import median

from knowledge.measured_here import MeasuredRun, Point
from tools.calibration.posterior import DOUBTFUL
from tools.hardware_types import Machine
from tools.measuring.compare import beside_estimates

BUSY = 0.25
"""Share of all processors that others keep busy, from which it is said."""
LEAST_SECONDS = 0.3
"""That are looked at; less says little."""
DIFFERS = 1.25
"""Factor between two runs of the same from which it is said."""
_SAME_LENGTH = 1.1


class Others:
    """What other programs do with the processors, from its making until it is asked."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._busy = _busy_seconds()
        self._own = time.process_time()

    def share(self) -> float:
        """Share of all processors that other programs used, 0 to 1; waits where there was too little time."""
        time.sleep(max(0.0, LEAST_SECONDS - (time.perf_counter() - self._began)))
        used = _busy_seconds() - self._busy - (time.process_time() - self._own)
        whole = (time.perf_counter() - self._began) * (os.cpu_count() or 1)
        return min(1.0, max(0.0, used / whole))


def _busy_seconds() -> float:
    """That all processors together have worked since the system started."""
    import psutil

    times = psutil.cpu_times()
    # The system counts guests as programs, too.
    idle = ("idle", "iowait", "guest", "guest_nice")
    return float(sum(times) - sum(getattr(times, name, 0.0) for name in idle))


def busy_note(share: float | None) -> str:
    """What a busy machine does to a measurement; empty where it is quiet or nobody looked."""
    if share is None or share < BUSY:
        return ""
    return (
        f"Before it began, other programs kept {share:.0%} of the processors busy: speeds may be lower than "
        "they can be. Measure again when the machine is quiet; the newer run counts."
    )


def differing_note(run: MeasuredRun, earlier: Sequence[MeasuredRun]) -> str:
    """Where the run before said something else of the same; empty where it did not, or there is none.

    Args:
        run: what was measured now.
        earlier: runs that are kept, oldest first; it may be among them.
    """
    same = [one for one in earlier if _setting(one) == _setting(run) and one.measured_at < run.measured_at]
    pairs = _pairs(run.points, same[-1].points) if same else []
    if not pairs:
        return ""
    now, before = max(pairs, key=lambda pair: abs(log(pair[0] / pair[1])))
    if 1 / DIFFERS < now / before < DIFFERS:
        return ""
    return (
        f"On {same[-1].measured_at.date()} the same generated {before:.1f} tokens/s, now {now:.1f}: one of "
        "the two was disturbed, or something has changed. Of those that are kept, the newer one counts; "
        "`bench --forget` and its moment, as `bench --list` shows it, removes one."
    )


def far_off_note(run: MeasuredRun, machine: Machine) -> str:
    """Where generation is so far from its estimate that it is more likely a mistake; empty where it is not.

    Args:
        run: what was measured.
        machine: this machine, without what was measured on it.
    """
    factors = [
        beside.measured.mid / beside.estimate.mid
        for beside in beside_estimates(run, machine)
        if beside.quantity == "generation" and beside.point.parallel == 1 and beside.estimate is not None
    ]
    if not factors or abs(log(max(median(factors), 1e-9))) <= DOUBTFUL:
        return ""
    factor = median(factors)
    times = f"{factor:.1f} times as fast as" if factor > 1 else f"{1 / factor:.1f} times slower than"
    return (
        f"Generation was {times} estimated. Check that the server ran this very model in this format on "
        "these devices: a run so far off hardly counts for other models."
    )


def _setting(run: MeasuredRun) -> tuple[object, ...]:
    return run.machine, run.server, run.engine, run.served_as, run.quant


def _pairs(points: Sequence[Point], others: Sequence[Point]) -> list[tuple[float, float]]:
    """Generation speeds of the same length and number at once: now and before."""
    return [
        (one.generation_tps.mid, other.generation_tps.mid)
        for one in points
        for other in others
        if one.parallel == other.parallel
        and 1 / _SAME_LENGTH <= (one.prompt_tokens + 1) / (other.prompt_tokens + 1) <= _SAME_LENGTH
        and one.generation_tps is not None
        and other.generation_tps is not None
        and min(one.generation_tps.mid, other.generation_tps.mid) > 0
    ]
