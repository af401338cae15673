"""The user guide shows what the program prints, and names only what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.user_guide import GUIDE, Block, blocks, run

FOUND = blocks(GUIDE.read_text(encoding="utf-8"))
DECIDED = re.compile(r"I recommend .*")


def test_every_block_is_read() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert len(FOUND) == text.count("<!-- end -->") == text.count("```text")
    assert {block.kind for block in FOUND} == {"session", "run"}
    assert len({block.title for block in FOUND}) == len(FOUND)


@pytest.mark.index
@pytest.mark.parametrize("block", FOUND, ids=lambda block: block.title)
def test_the_program_still_says_so(block: Block, tmp_path: Path) -> None:
    now = run(block, str(tmp_path))
    if block.kind == "run" and "search" not in block.inputs[0]:
        assert now == block.text, "run scripts/user_guide.py"
    else:  # on a busy machine another question may come first, and the embedder later
        assert DECIDED.findall(now) == DECIDED.findall(block.text), "run scripts/user_guide.py"
