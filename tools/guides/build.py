"""Checks the guides' figures and keeps the findings: `python -P -m tools.guides.build`, run by the set-up.

Exit status 0 also where nothing could be kept: answers then check each passage as it is shown.
"""

from __future__ import annotations

import sys

from knowledge.guide_set import all_guides
from knowledge.home import home
from tools.claims.store import build_claims


def main() -> int:
    """The command; returns its exit status."""
    state = home()
    guides = all_guides(state)
    done = build_claims(guides, state)
    print(f"claims: {done} of {len(guides)} guides checked", file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
