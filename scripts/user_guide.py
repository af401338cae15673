"""Fills the sessions and outputs of `docs/user-guide.md` by running the real program.

    python scripts/user_guide.py

A block of the guide names what is run, and holds what came:

    <!-- session: hardware and license
    A chatbot for my shop on an RTX 3060 12GB
    2
    lines: 40
    -->
    (a fenced text)
    <!-- end -->

`session` is a conversation in guided mode, `run` a call of `llm-advisor`; `lines` cuts
what is long, and says so. No network, no model server.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from knowledge.today import DAY_VARIABLE

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "user-guide.md"
BLOCK = re.compile(
    r"<!-- (?P<kind>session|run): (?P<title>[^\n]*?)\n(?P<body>.*?)-->\n"
    r"```text\n(?P<text>.*?)```\n<!-- end -->",
    re.DOTALL,
)
CUT = re.compile(r"lines: (\d+)")
TIMEOUT = 120
WIDTH = "80"
DAY = "2026-11-21"
"""The day of the calls: answers tell how old their facts are."""


@dataclass(frozen=True, slots=True)
class Block:
    """A session or a call in the guide."""

    kind: str
    title: str
    inputs: tuple[str, ...]
    """What is said, or the words of the call."""
    most: int
    """Lines shown; 0 for all."""
    text: str
    """What the guide shows now."""


def blocks(guide: str) -> list[Block]:
    """All blocks of the guide, in order."""
    found = []
    for match in BLOCK.finditer(guide):
        lines = [line.strip() for line in match["body"].splitlines() if line.strip()]
        most = next((int(cut[1]) for line in lines if (cut := CUT.fullmatch(line))), 0)
        inputs = tuple(line for line in lines if not CUT.fullmatch(line))
        found.append(Block(match["kind"], match["title"], inputs, most, match["text"]))
    return found


def run(block: Block, home: str) -> str:
    """What the program prints for a block.

    Args:
        block: What to run.
        home: The state folder.

    Raises:
        SystemExit: a call failed.
    """
    environment = {**os.environ, "LLM_ADVISOR_HOME": home, "COLUMNS": WIDTH, "NO_COLOR": "1"}
    environment["PYTHONPATH"] = str(ROOT)
    environment[DAY_VARIABLE] = DAY
    words = ["chat", "--plain", "--offline"] if block.kind == "session" else shlex.split(block.inputs[0])[1:]
    done = subprocess.run(
        [sys.executable, "-m", "tui.cli", *words],
        input="\n".join(block.inputs) + "\n" if block.kind == "session" else "",
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"{block.title}: {done.stderr}")
    text = done.stdout
    if block.kind == "session":
        text = text[text.index("You: ") :]  # the greeting, with a name made of the time
        text = re.sub(r"(?m)^\(.*, [\d.]+ s\)\n", "", text).removesuffix("You: \n")
    return _cut(text.rstrip(), block.most) + "\n"


def _cut(text: str, most: int) -> str:
    lines = text.splitlines()
    if not most or len(lines) <= most:
        return text
    return "\n".join([*lines[:most], f"({len(lines) - most} more lines)"])


def filled(guide: str) -> str:
    """The guide with each block run anew."""
    with tempfile.TemporaryDirectory() as home:
        texts = {block: run(block, home) for block in blocks(guide)}
    by_title = {block.title: text for block, text in texts.items()}

    def put(match: re.Match[str]) -> str:
        head = f"<!-- {match['kind']}: {match['title']}\n{match['body']}-->"
        return f"{head}\n```text\n{by_title[match['title']]}```\n<!-- end -->"

    return BLOCK.sub(put, guide)


def main() -> None:
    """Write the guide."""
    GUIDE.write_text(filled(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {GUIDE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
