"""`doctor`: what is set up, what is missing, and the exact next step."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from knowledge.errors import AdvisorError
from knowledge.home import HOME_VARIABLE, home
from knowledge.wording_counts import read_counts

Document = dict[str, Any]
State = Literal["ok", "warning", "missing", "skipped"]
PACKAGES = (
    "llm-advisor",
    "chromadb",
    "click",
    "langgraph",
    "litellm",
    "pydantic",
    "sentence-transformers",
    "textual",
    "torch",
)
MIN_PYTHON = (3, 11)
LEAST_DISK = 10 << 30
"""Bytes; a usual model of 8 billion parameters takes half of it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `needed` ones decide whether the advisor is usable."""

    name: str
    state: State
    found: str
    next_step: str = ""
    needed: bool = False

    def as_json(self) -> Document:
        return {
            "name": self.name,
            "state": self.state,
            "found": self.found,
            "next_step": self.next_step,
            "needed": self.needed,
        }


def doctor(*, offline: bool) -> Document:
    """Looks at everything; never raises for what it finds.

    Args:
        offline: Do not ask whether an Ollama server, a Chroma server or a database answers.
    """
    parts: tuple[tuple[str, bool, Callable[[], Check]], ...] = (
        ("Python", True, _python),
        ("packages", True, _packages),
        ("torch", False, _torch),
        ("catalog", True, _catalog),
        ("API prices", False, _prices),
        ("facts", False, _facts),
        ("state folder", False, _state_folder),
        ("embedder", False, lambda: _of_search("embedder", offline)),
        ("reranker", False, lambda: _of_search("reranker", offline)),
        ("guide index", False, lambda: _of_search("guide index", offline)),
        ("hardware", False, _hardware),
        ("calibration", False, _calibration),
        ("disk", False, _disk),
        ("Ollama", False, lambda: _of_chat("Ollama", offline)),
        ("chat model", False, lambda: _of_chat("chat model", offline)),
        ("conversations", False, lambda: _of_chat("conversations", offline)),
        ("wording", False, _wording),
    )
    checks = [_looked(name, needed, look) for name, needed, look in parts]
    usable = all(check.state in ("ok", "warning") for check in checks if check.needed)
    document: Document = {"usable": usable, "checks": [check.as_json() for check in checks]}
    if not usable:
        broken = next(check for check in checks if check.needed and check.state not in ("ok", "warning"))
        document["error"] = {
            "code": "not_set_up",
            "message": f"The advisor cannot be used yet: {broken.name}: {broken.found}.",
            "hint": broken.next_step,
        }
    return document


def _looked(name: str, needed: bool, look: Callable[[], Check]) -> Check:
    """A check that fails itself is a finding too."""
    try:
        return look()
    except AdvisorError as error:
        return Check(name, "missing", error.message.rstrip("."), error.hint, needed)
    except Exception as error:
        return Check(name, "missing", f"could not be checked ({type(error).__name__})", "make setup", needed)


def _wording() -> Check:
    """How often the words of language models had to be written again or dropped."""
    rows = [
        f"{model}: {row.texts} texts checked, {row.violations} held something unfounded "
        f"({row.violations / row.texts:.0%}), {row.rewrites} of them rewritten, {row.fallbacks} replaced by "
        "the built-in words"
        for model, row in read_counts().items()
        if row.texts
    ]
    return Check(
        "wording", "ok" if rows else "skipped", "; ".join(rows) or "no model has worded anything yet"
    )


def _python() -> Check:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < MIN_PYTHON:
        return Check("Python", "missing", text, "Install Python 3.11 or newer.", True)
    return Check("Python", "ok", text, "", True)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _packages() -> Check:
    found = {package: _version(package) for package in PACKAGES}
    gone = [package for package, number in found.items() if number is None]
    if gone:
        return Check("packages", "missing", f"not installed: {', '.join(gone)}", "make setup", True)
    return Check("packages", "ok", ", ".join(f"{name} {number}" for name, number in found.items()), "", True)


def _torch() -> Check:
    number = _version("torch")
    if number is None:
        return Check(
            "torch", "missing", "not installed: the guides are searched by words alone", "make setup"
        )
    build = number.partition("+")[2]
    kind = "CPU build" if build == "cpu" else f"build {build}" if build else "the platform's default build"
    return Check("torch", "ok", f"{number} ({kind})")


def _catalog() -> Check:
    from knowledge.catalog.store import load_catalog

    catalog = load_catalog()
    models, accelerators = len(catalog.models), len(catalog.accelerators)
    newest = max(model.as_of for model in catalog.models)
    return Check("catalog", "ok", f"{models} models, {accelerators} accelerators, as of {newest}", "", True)


def _prices() -> Check:
    from knowledge.catalog.api_models import load_api_models

    number = _version("litellm")
    return Check("API prices", "ok", f"{len(load_api_models())} models, from the map of LiteLLM {number}")


def _facts() -> Check:
    """How old they are, and what was refreshed of them."""
    from knowledge.catalog.age import REFRESH, facts_of
    from knowledge.catalog.overlay import load_overlay

    facts, overlay = facts_of(), load_overlay()
    found = facts.line.removeprefix("Facts: ").rstrip(".")
    if overlay.days:
        found += (
            f"; refreshed on {overlay.days[-1]}: {len(overlay.checked)} models asked, {len(overlay.models)} "
            f"changed, {len(overlay.prices)} prices, {len(overlay.scores)} scores"
        )
    if facts.stale:
        return Check("facts", "warning", found, f"`{REFRESH}` asks for newer ones over the network.")
    return Check("facts", "ok", found)


def _state_folder() -> Check:
    folder = home()
    where = str(folder) + (f" (set by {HOME_VARIABLE})" if os.environ.get(HOME_VARIABLE) else "")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Check(
            "state folder",
            "warning",
            f"{where} cannot be written ({reason}): sessions are not kept",
            f"Make it writable, or set {HOME_VARIABLE} to a folder that is.",
        )
    return Check("state folder", "ok", f"{where}, writable")


def _of_search(name: str, offline: bool) -> Check:
    from tools.commands.doctor_search import LOOKS

    state, found, next_step = LOOKS[name](offline)
    return Check(name, state, found, next_step)


def _hardware() -> Check:
    from tools.hardware import describe, detect_machine

    return Check("hardware", "ok", describe(detect_machine()))


def _calibration() -> Check:
    from tools.commands.doctor_measured import calibration

    return Check("calibration", *calibration())


def _disk() -> Check:
    from tools.hardware import detect_machine

    machine = detect_machine()
    if machine.disk_free_bytes is None:
        return Check("disk", "warning", f"free space at {machine.disk_folder} cannot be read")
    free = (
        f"{machine.disk_free_bytes / (1 << 30):.1f} GiB free at {machine.disk_folder}, where models are kept"
    )
    if machine.disk_free_bytes < LEAST_DISK:
        return Check(
            "disk", "warning", free, "Free some space, or set OLLAMA_MODELS or HF_HOME to another disk."
        )
    return Check("disk", "ok", free)


def _of_chat(name: str, offline: bool) -> Check:
    from tools.commands.doctor_chat import LOOKS

    state, found, next_step = LOOKS[name](offline)
    return Check(name, state, found, next_step)


def report(document: Document) -> str:
    """The text for a bug report, of which nothing is secret; see `tools.commands.doctor_report`."""
    from tools.commands.doctor_report import report_document, report_text

    return report_text(report_document(document))
