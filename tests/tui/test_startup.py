"""The screen stands before anything heavy is imported."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = (
    "langgraph",
    "langchain_core",
    "litellm",
    "chromadb",
    "torch",
    "sentence_transformers",
    "pydantic",
    "numpy",
)
FIRST_FRAME = """
import asyncio, json, sys
from tui.app import AdvisorApp

async def opens():
    await asyncio.sleep(60)

async def main():
    app = AdvisorApp(opens)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
        app.bridge.close = nothing
        app.exit()

async def nothing():
    pass

asyncio.run(main())
"""


def test_first_frame_needs_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_FRAME], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(done.stdout))
    assert "textual" in loaded
    assert not loaded & set(HEAVY)
