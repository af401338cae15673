"""That something is not waited for, told by how long it would take and not by how fast this machine is.

What hangs in a test hangs for `HANGS` seconds: far longer than a loaded machine takes for anything else.
How fast things are is measured by `make bench`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

HANGS = 100.0
AT_MOST = 40.0


@contextmanager
def not_waited_for() -> Iterator[None]:
    """What runs inside ends without waiting for something that takes `HANGS` seconds."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < AT_MOST, f"it took {took:.0f} s"
