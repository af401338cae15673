"""Finds the lines of the guides that carry the program's own claims: writes tools/data/citations.json.

Run it after a change of a guide or of a claim: `python scripts/cite_guides.py`. It ends with status 1 where a
section does not support what it is cited for.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import citing
from tools.memory.pretrain import guide_evidence, pretrain_configs
from tools.memory.types import Evidence
from tools.older_claims import What, claim_of, claimed_models
from tools.planning.pretrain_tables import Wish, plan_tables, votes
from tools.price_claims import find_price_claims
from tools.reasons import rules
from tools.registry import run_tool

TARGET = Path(citing.__file__).resolve().parent / "data" / "citations.json"
WHAT: tuple[What, ...] = ("memory_gb", "file_gb", "window_k", "dimensions")
PRICED = (
    "Claude 3.5 Sonnet, GPT-4o, GPT-4o-mini, Gemini 1.5 Pro, Gemini 1.5 Flash, Claude 3 Opus, "
    "Claude 3 Haiku, DeepSeek-V2"
)
PLANS: tuple[tuple[str, dict[str, object]], ...] = (
    ("plan_tokens", {}),
    ("plan_finetune", {"hardware": "RTX 3090"}),
    ("plan_pretraining", {"hardware": "RTX 3090"}),
    ("plan_cost", {"hardware": "RTX 3090", "input_tokens": 1_000_000, "output_tokens": 200_000}),
    ("plan_retrieval_stack", {"hardware": "RTX 3090", "corpus": "20000 pages"}),
    ("plan_migration", {"base": "qwen3-4b"}),
    ("recommend", {"task": "embedding", "hardware": "RTX 3090"}),
    ("recommend", {"task": "chat", "hardware": "RTX 3090", "training": "scratch"}),
)


def _wishes() -> Iterator[Wish]:
    tables = plan_tables()["tables"]
    yield Wish()
    for row in tables["vram"]["rows"]:
        yield Wish(vram_gb=row["to_gb"] or 80)
    for row in tables["use_case"]["rows"]:
        yield Wish(use_case=row["name"])
    for row in tables["dataset"]["rows"]:
        yield Wish(dataset_bytes=(row["below_bytes"] or 10**12) - 1)
    for row in tables["context"]["rows"]:
        yield Wish(context=row["block_size"])
    for row in tables["priority"]["rows"]:
        yield Wish(priority=row["name"])


def make_all_claims() -> None:
    """Makes every claim that the program makes of a guide on its own."""
    for rule in rules():
        citing.guide(rule["file"], rule["heading"], rule["text"])
    for wish in _wishes():
        votes(wish)
    for config in pretrain_configs():
        guide_evidence(config)
    for name in claimed_models():
        for what in WHAT:
            claim = claim_of(name, what)
            if claim is not None and not claim.evidence:
                sys.exit(f"{name}: nothing tells its {what}")
    find_price_claims(PRICED)
    for tool, arguments in PLANS:
        document = run_tool(tool, arguments)
        if "error" in document:
            sys.exit(f"{tool}: {document['error']['message']}")


class Recorder(dict[tuple[str, str, str], Evidence]):
    """Finds every claim anew and keeps it; stands in for the kept citations."""

    def get(self, key: tuple[str, str, str], default: object = None) -> Evidence:  # type: ignore[override]
        self[key] = citing.find_guide(*key)
        return self[key]


def collected() -> dict[tuple[str, str, str], Evidence]:
    """All claims with the lines found for them."""
    found, kept = Recorder(), citing.kept_citations
    citing.kept_citations = lambda: found  # type: ignore[assignment]
    try:
        make_all_claims()
    finally:
        citing.kept_citations = kept
    return found


def main() -> int:
    """Writes the table; says what is not supported."""
    found = collected()
    rows = [
        {
            "claim": claim,
            "guide": evidence.source,
            "file": file,
            "heading": heading,
            "lines": evidence.locator.rpartition(":")[2],
            "quote": evidence.quote,
        }
        for (file, heading, claim), evidence in sorted(found.items())
    ]
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    note = "Written by scripts/cite_guides.py: the lines of our guides that carry the claims of our data."
    TARGET.write_text(f'{{\n "note": "{note}",\n "citations": [\n{lines}\n ]\n}}\n', encoding="utf-8")
    wrong = [row for row in rows if not row["quote"]]
    for row in wrong:
        sys.stderr.write(f"{row['file']}#{row['heading']} does not support: {row['claim']}\n")
    sys.stderr.write(f"{len(rows)} citations\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
