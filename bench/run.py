"""`make bench`: runs every benchmark that is there, each in its own module with a `run()`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time

PARTS = (
    "start_up",
    "small_steps",
    "measuring",
    "memory",
    "accuracy",
    "training",
    "fit",
    "quality",
    "retrieval",
    "large",
    "understanding",
    "conversations",
    "strengths",
    "sessions",
    "tui",
    "pictures",
    "terminal",
)


def main() -> int:
    """Runs them in order; the exit status is 1 where one failed."""
    failed = []
    for part in PARTS:
        name = f"bench.{part}"
        if importlib.util.find_spec(name) is None:
            continue
        print(f"== {part}", flush=True)
        started = time.perf_counter()
        try:
            importlib.import_module(name).run()
        except Exception as error:
            failed.append(part)
            print(f"failed: {type(error).__name__}: {error}", file=sys.stderr)
        print(f"({time.perf_counter() - started:.1f} s)", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
