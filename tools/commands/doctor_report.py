"""`doctor --report`: one page for a bug report, made of counts, versions and words of our own.

Nothing that a person named or wrote gets into it: every text is either a number, one of a list that is known
here, or left out. So there is nothing to hide afterward: no key, path, host, user, model of one's own, guide
or message can be in it.
"""

from __future__ import annotations

import math
import platform
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from knowledge.today import today
from tools.commands.doctor_errors import error_counts

Document = dict[str, Any]
GIB = 1 << 30
MOST_KINDS = 8
"""Kinds of errors that the page names; the document has them all."""
PACKAGES = (
    "chromadb",
    "click",
    "httpx",
    "huggingface-hub",
    "langgraph",
    "litellm",
    "psycopg",
    "pydantic",
    "sentence-transformers",
    "textual",
    "torch",
)
_VERSION = re.compile(r"\d+(?:\.\d+)*(?:(?:a|b|rc|\.post|\.dev)\d+)*(?:\+(?:cpu|cu\d+|rocm\d+(?:\.\d+)*))?")
_RELEASE = re.compile(r"\d+(?:\.\d+)*")
_PLACES = {"folder": "in the state folder", "server": "on a Chroma server"}


def report_document(findings: Mapping[str, Any], *, offline: bool = True) -> Document:
    """The report.

    Args:
        findings: of `doctor`, of which only names and states are taken.
        offline: do not ask a Chroma server.
    """
    parts: tuple[tuple[str, Callable[[], Document]], ...] = (
        ("versions", _versions),
        ("hardware", _hardware),
        ("calibration", _calibration),
        ("facts", _facts),
        ("index", lambda: _index(offline)),
        ("errors", error_counts),
        ("settings", _settings),
    )
    document: Document = {
        "day": today().isoformat(),
        "usable": bool(findings["usable"]),
        "checks": [{key: check[key] for key in ("name", "state", "needed")} for check in findings["checks"]],
    }
    for name, look in parts:
        try:
            document[name] = look()
        except Exception as error:  # a bug report is written where something is broken
            document[name] = {"problem": f"could not be read ({type(error).__name__})"}
    return document


def _sound(text: str | None, pattern: re.Pattern[str]) -> str | None:
    """The beginning of a version that is nothing but a version: builds carry names of machines and people."""
    found = pattern.match(text or "")
    return found[0] if found else None


def _installed(package: str) -> str | None:
    try:
        return _sound(version(package), _VERSION)
    except PackageNotFoundError:
        return None


def _one_of(text: str, known: Sequence[str]) -> str:
    return text if text in known else "another"


def _versions() -> Document:
    return {
        "llm_advisor": _installed("llm-advisor"),
        "python": _sound(platform.python_version(), _VERSION),
        "implementation": _one_of(platform.python_implementation(), ("CPython", "PyPy")),
        "system": _one_of(platform.system(), ("Linux", "Darwin", "Windows", "FreeBSD")),
        "release": _sound(platform.release(), _RELEASE),
        "machine": _one_of(platform.machine(), ("x86_64", "AMD64", "arm64", "aarch64", "ppc64le", "riscv64")),
        "packages": {package: _installed(package) for package in PACKAGES},
    }


def _hardware() -> Document:
    """Devices by the catalog's names: a driver's own name is a text from outside."""
    from tools.hardware import detect_machine
    from tools.prices import record_of

    machine = detect_machine()
    counts: Counter[tuple[str | None, str, int]] = Counter()
    for device in machine.devices:
        record = record_of(device.name, device.memory_bytes)
        counts[record.name if record is not None else None, device.kind, device.memory_bytes] += 1
    return {
        "accelerators": [
            {"name": name, "kind": kind, "count": count, "memory_bytes": size}
            for (name, kind, size), count in counts.items()
        ],
        "ram_bytes": machine.ram_bytes,
        "cpu_cores": machine.cpu_cores,
        "disk_free_bytes": machine.disk_free_bytes,
    }


def _calibration() -> Document:
    """How much was measured here; neither servers nor models are named."""
    from knowledge.catalog.store import load_catalog
    from knowledge.measured_here import load_runs

    runs, engines = load_runs(), [*load_catalog().engines, "unknown"]
    named = Counter(_one_of(run.engine, engines) for run in runs)
    return {
        "runs": len(runs),
        "complete": sum(run.complete for run in runs),
        "newest": runs[-1].measured_at.date().isoformat() if runs else None,
        "engines": dict(sorted(named.items())),
    }


def _facts() -> Document:
    from knowledge.catalog.age import facts_of
    from knowledge.catalog.overlay import EMPTY, load_overlay, overlay_path
    from knowledge.catalog.store import load_catalog

    overlay, models = load_overlay(), load_catalog().models
    return {
        **facts_of().as_json(),
        "models": sum(model.added is None for model in models),
        "added_models": sum(model.added is not None for model in models),
        "overlay": {
            "models_asked": len(overlay.checked),
            "models": len(overlay.models),
            "prices": len(overlay.prices),
            "scores": len(overlay.scores),
            "newest": max(overlay.days, default=None),
            "damaged": overlay == EMPTY and overlay_path().exists(),
        },
    }


def _index(offline: bool) -> Document:
    from knowledge.home import home
    from knowledge.retrieval import INDEX
    from knowledge.search_models import models_of
    from knowledge.settings import load_settings
    from tools.commands.doctor_index import health

    models = models_of(load_settings())
    return health(home() / INDEX / models.folder, models.embedder, offline=offline)


def _settings() -> Document:
    """Each setting with where it comes from; a value only where it is a number or a word of ours."""
    from knowledge.settings_file import read_each, unknown_keys

    rows = {
        one.key: {"origin": one.origin, "value": _value(one.key, one.value), "usable": not one.problem}
        for one in read_each()
    }
    return {"settings": rows, "unknown_keys": len(unknown_keys())}


def _value(key: str, text: str) -> float | str | None:
    if not text:
        return None
    if text in ("guided", "auto"):
        return text
    try:
        number = float(text) if key.endswith("_seconds") or key == "max_cost" else math.nan
    except ValueError:
        number = math.nan
    return number if math.isfinite(number) else "set, not shown"


def report_text(document: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    lines = [
        "# llm-advisor doctor --report",
        "",
        f"{document['day']}, {'ready to use' if document['usable'] else 'not ready'}. "
        "No name, path or message of yours is in it.",
    ]
    sections: tuple[tuple[str, str, Callable[[Any], list[str]]], ...] = (
        ("Versions", "versions", _version_lines),
        ("Hardware", "hardware", _hardware_lines),
        ("Checks", "checks", _check_lines),
        ("Measured here", "calibration", _calibration_lines),
        ("Facts", "facts", _facts_lines),
        ("Guide index", "index", _index_lines),
        ("Errors in the logs", "errors", _error_lines),
        ("Settings", "settings", _settings_lines),
    )
    for title, key, told in sections:
        part = document[key]
        broken = part.get("problem") if isinstance(part, Mapping) else None
        lines += ["", f"## {title}", "", *(f"- {line}" for line in ([broken] if broken else told(part)))]
    return "\n".join(lines)


def _or_unknown(value: object) -> str:
    return "unknown" if value is None else str(value)


def _version_lines(part: Mapping[str, Any]) -> list[str]:
    packages = [f"{name} {_or_unknown(number)}" for name, number in part["packages"].items() if number]
    gone = [name for name, number in part["packages"].items() if number is None]
    return [
        f"llm-advisor {_or_unknown(part['llm_advisor'])}",
        f"{part['implementation']} {_or_unknown(part['python'])} on {part['system']} "
        f"{_or_unknown(part['release'])} ({part['machine']})",
        ", ".join(packages),
        *([f"not installed: {', '.join(gone)}"] if gone else []),
    ]


def _check_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names by state, what is wrong first."""
    names: dict[str, list[str]] = {state: [] for state in ("missing", "warning", "skipped", "ok")}
    for row in rows:
        names[row["state"]].append(row["name"])
    return [f"{state}: {', '.join(found)}" for state, found in names.items() if found]


def _gib(size: int | None) -> str:
    return "unknown" if size is None else f"{size / GIB:.1f} GiB"


def _hardware_lines(part: Mapping[str, Any]) -> list[str]:
    cards = [
        f"{row['count']} x {row['name'] or 'an accelerator that the catalog lacks'} ({row['kind']}), "
        f"{_gib(row['memory_bytes'])}"
        for row in part["accelerators"]
    ]
    cores = _or_unknown(part["cpu_cores"])
    beside = (
        f"{_gib(part['ram_bytes'])} of memory, {cores} cores, {_gib(part['disk_free_bytes'])} of disk free"
    )
    return [*(cards or ["no accelerator"]), beside]


def _calibration_lines(part: Mapping[str, Any]) -> list[str]:
    if not part["runs"]:
        return ["nothing"]
    engines = ", ".join(f"{name} {count}" for name, count in part["engines"].items())
    return [f"{part['runs']} runs ({part['complete']} complete), newest {part['newest']}; {engines}"]


def _facts_lines(part: Mapping[str, Any]) -> list[str]:
    overlay = part["overlay"]
    taken = (
        f"refreshed on {overlay['newest']}: {overlay['models_asked']} models asked, {overlay['models']} "
        f"changed, {overlay['prices']} prices, {overlay['scores']} scores"
    )
    damaged = ", but a damaged file is there" if overlay["damaged"] else ""
    return [
        part["line"].removeprefix("Facts: "),
        f"{part['models']:,} models, {part['added_models']} added",
        taken if overlay["newest"] else f"nothing refreshed{damaged}",
    ]


def _index_lines(part: Mapping[str, Any]) -> list[str]:
    where = f"{part['state']}, {_PLACES[part['place']]}"
    if part["passages"] is None:
        return [f"{where}: not to be used ({part['code']})", f"{part['own_guides']} guides of one's own"]
    return [
        f"{where}: {part['passages']:,} passages, {part['vectors']:,} vectors",
        f"{part['guides']} guides, {part['own_guides']} of them one's own",
    ]


def _error_lines(part: Mapping[str, Any]) -> list[str]:
    counts = list(part["exceptions"].items())
    kinds = [f"{name}: {count}" for name, count in counts[:MOST_KINDS]]
    if len(counts) > MOST_KINDS:
        kinds.append(f"{len(counts) - MOST_KINDS} more kinds: {sum(n for _, n in counts[MOST_KINDS:])}")
    levels = [f"{name.lower()} lines: {count}" for name, count in part["levels"].items()]
    return [*kinds, *levels] or ["none"]


def _settings_lines(part: Mapping[str, Any]) -> list[str]:
    rows = [
        f"{key}: {_or_unknown(row['value'])} ({row['origin']}{'' if row['usable'] else ', not usable'})"
        for key, row in part["settings"].items()
        if row["origin"] != "default"
    ]
    unknown = [f"keys that are no settings: {part['unknown_keys']}"] if part["unknown_keys"] else []
    return [*(rows or ["all as they come"]), *unknown]
