"""Write the catalog's data files from a folder of sourced tables (a maintainer's tool).

usage: python -m scripts.build_catalog FACTS_FOLDER [--out knowledge/catalog/data]

Reads models.json, architectures.json, gpus.csv, system_memory.csv, licenses.csv and benchmarks.csv. Engines,
quantizations and the notes on benchmarks are written by hand beside the files this writes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from scripts.catalog.benchmarks import pack_benchmarks
from scripts.catalog.facts import read_architectures, read_csv, read_models
from scripts.catalog.models import Builder
from scripts.catalog.published import fill_active, fill_shapes
from scripts.catalog.sources import pack_sources
from scripts.catalog.tables import accelerators, licenses, system_memory
from scripts.catalog.write import write_json, write_records

OWN = Path(__file__).resolve().parent / "catalog"
"""Rows that the folder of tables lacks: cards and memory classes that people name, in the same columns."""
DATA = Path(__file__).resolve().parents[1] / "knowledge" / "catalog" / "data"


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


def main() -> None:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("facts", type=Path)
    parser.add_argument("--out", type=Path, default=DATA)
    arguments = parser.parse_args()
    for name, count in build(arguments.facts, arguments.out).items():
        print(f"{name}: {count}")


if __name__ == "__main__":
    main()
