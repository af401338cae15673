"""Write the catalog's data files from a folder of sourced tables, and its report (a maintainer's tool).

usage: python -m scripts.build_catalog [FACTS_FOLDER] [--out knowledge/catalog/data]

Without a folder only the report is written, on the files as they are. Reads models.json, architectures.json,
gpus.csv, system_memory.csv, licenses.csv and benchmarks.csv. Engines, quantizations and the notes on
benchmarks are written by hand beside the files this writes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from knowledge.catalog.api_models import bundled_price_map, price_map_version
from knowledge.catalog.store import Catalog
from knowledge.today import today
from scripts.catalog.benchmarks import pack_benchmarks
from scripts.catalog.facts import read_architectures, read_csv, read_models
from scripts.catalog.models import Builder
from scripts.catalog.published import fill_active, fill_shapes
from scripts.catalog.report import changes_of, committed, dates_of, report
from scripts.catalog.sources import pack_sources
from scripts.catalog.tables import accelerators, licenses, system_memory
from scripts.catalog.write import write_json, write_records

OWN = Path(__file__).resolve().parent / "catalog"
"""Rows that the folder of tables lacks: cards and memory classes that people name, in the same columns."""
ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "knowledge" / "catalog" / "data"
REPORT = ROOT / "docs" / "catalog.md"
BUILT = ("models.json", "accelerators.json", "system_memory.json", "licenses.json", "benchmarks.json")
"""What is compared with the last commit."""


def build(facts: Path, out: Path) -> dict[str, int]:
    """Write all files.

    Args:
        facts: folder of the sourced tables.
        out: folder of the data files.

    Returns:
        The number of records written, by file.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = read_models(facts)
    fill_shapes(rows)
    fill_active(rows)
    used = [str(row["license"]) for row in rows if row.get("license")]
    license_records = licenses(read_csv(facts / "licenses.csv"), used)
    builder = Builder(rows, read_architectures(facts), license_records)
    models = builder.records()
    cards = accelerators(read_csv(facts / "gpus.csv") + read_csv(OWN / "more_cards.csv"))
    memory = system_memory(read_csv(facts / "system_memory.csv") + read_csv(OWN / "more_memory.csv"))
    results = read_csv(facts / "benchmarks.csv")
    write_records(out / "models.json", models)
    write_records(out / "accelerators.json", cards)
    write_records(out / "system_memory.json", memory)
    write_records(out / "licenses.json", license_records)
    write_json(out / "sources.json", pack_sources(builder.sources()))
    write_json(out / "benchmarks.json", pack_benchmarks(results))
    return {
        "models": len(models),
        "accelerators": len(cards),
        "system_memory": len(memory),
        "licenses": len(license_records),
        "benchmarks": len(results),
    }


def write_report(out: Path, page: Path) -> list[str]:
    """Writes the days of the facts and the report; the lines on what changed since the last commit.

    Args:
        out: folder of the data files.
        page: the report.
    """
    catalog = Catalog(out)
    prices = bundled_price_map()
    days = dates_of(catalog, prices.rows, price_map_version() or "none")
    write_json(out / "dates.json", days)
    before = {name: committed(DATA / name, ROOT) for name in BUILT}
    after = {name: (out / name).read_text(encoding="utf-8") for name in BUILT}
    changes = changes_of(before, after)
    sources = json.loads((out / "sources.json").read_bytes())
    page.write_text(report(catalog, sources, today(), changes), encoding="utf-8")
    return changes


def main() -> None:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("facts", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, default=DATA)
    parser.add_argument("--report", type=Path, default=REPORT)
    arguments = parser.parse_args()
    if arguments.facts is not None:
        for name, count in build(arguments.facts, arguments.out).items():
            print(f"{name}: {count}")
    changes = write_report(arguments.out, arguments.report)
    print("\n".join(changes) or "nothing differs from the committed rows")
    print(f"wrote {arguments.report}")


if __name__ == "__main__":
    main()
