"""The report for bugs: what it tells, and that nothing a person named or wrote is ever in it."""

from __future__ import annotations

import json
import string
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.catalog.store import forget_added
from knowledge.home import home, log_file
from knowledge.measured_here import MeasuredRun, Point, Range, keep_run
from tests.tui.cli_help import Program
from tools.commands.doctor import doctor
from tools.commands.doctor_errors import OTHER, error_counts
from tools.commands.doctor_report import report_document, report_text
from tools.hardware_types import Device, Machine

FINDINGS: dict[str, Any] = {
    "usable": True,
    "checks": [{"name": "Python", "state": "ok", "found": "secret-found", "next_step": "x", "needed": True}],
}
LOG = """2026-11-21T10:00:00+00:00
Traceback (most recent call last):
  File "/home/{secret}/a.py", line 1, in <module>
    boom("{secret}")
ValueError: {secret}

Traceback (most recent call last):
  File "a.py", line 2
{secret}Error: x
2026-11-21 10:00:00,000 WARNING llm_advisor.{secret}: {secret}
2026-11-21 10:00:01,000 ERROR root: {secret}
"""


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tools.hardware.detect_machine", lambda: Machine("m"))


def _run(**changes: Any) -> MeasuredRun:
    point = Point(
        prompt_tokens=1, output_tokens=1, parallel=1, samples=1, first_token_s=Range(low=0, mid=0, high=0)
    )
    plain: dict[str, Any] = {
        "measured_at": datetime(2026, 11, 20, tzinfo=UTC),
        "machine": "m",
        "engine": "ollama",
        "server": "127.0.0.1:11434",
        "served_as": "x",
        "points": (point,),
    }
    return MeasuredRun(**{**plain, **changes})


def test_it_counts_errors_by_kind_and_level() -> None:
    path = log_file("errors")
    path.parent.mkdir(parents=True)
    path.write_text(LOG.format(secret="hunter"))
    log_file("tui").write_text("Traceback (most recent call last):\n  x\nhttpx.ConnectError: no\n")
    assert error_counts() == {
        "files": 2,
        "exceptions": {"ValueError": 1, OTHER: 1, "ConnectError": 1},
        "levels": {"WARNING": 1, "ERROR": 1},
    }


def test_it_tells_versions_hardware_calibration_facts_index_and_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gib = 1 << 30
    cards = (Device("NVIDIA GeForce RTX 3090", "cuda", 24 * gib, 936.0), Device("Corp X1", "cuda", gib, None))
    machine = Machine("m", (*cards, cards[0]), ram_bytes=64 * gib, cpu_cores=8)
    monkeypatch.setattr("tools.hardware.detect_machine", lambda: machine)
    monkeypatch.setenv("LLM_ADVISOR_MAX_COST", "2.5")
    monkeypatch.setenv("LLM_ADVISOR_MODEL", "auto")
    keep_run(_run())
    keep_run(_run(measured_at=datetime(2026, 11, 21, tzinfo=UTC), engine="vllm", complete=False))
    text = report_text(report_document(FINDINGS))
    assert "- 2 x GeForce RTX 3090 (cuda), 24.0 GiB" in text
    assert "- 1 x an accelerator that the catalog lacks (cuda), 1.0 GiB" in text
    assert "2 runs (1 complete), newest 2026-11-21; ollama 1, vllm 1" in text
    assert "catalog of 2026-11-20" in text
    assert "in the state folder: not to be used" in text
    assert "- max_cost: 2.5 (environment)" in text
    assert "- model: auto (environment)" in text
    assert "Corp X1" not in text


def test_a_part_that_cannot_be_read_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Machine:
        raise RuntimeError("secret-part")

    monkeypatch.setattr("tools.hardware.detect_machine", broken)
    home().mkdir(parents=True)
    (home() / "settings.toml").write_text("secret_key = 1\n")
    document = report_document(FINDINGS)
    assert document["hardware"] == {"problem": "could not be read (RuntimeError)"}
    assert document["settings"]["unknown_keys"] == 1
    assert "secret" not in report_text(document) + json.dumps(document)


SECRETS = st.text(string.ascii_letters + string.digits + "-_", min_size=12, max_size=40).map(
    lambda text: "hf_" + text
)


@given(secret=SECRETS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_secret_fed_anywhere_is_in_it(secret: str, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path / secret / "home"
        patch.setenv("LLM_ADVISOR_HOME", str(folder))
        patch.setenv("HOME", str(tmp_path / secret))
        for name in ("OPENAI_API_KEY", "HF_TOKEN", "USER", "HOSTNAME", "HTTPS_PROXY", "HF_ENDPOINT"):
            patch.setenv(name, secret)
        patch.setenv("LLM_ADVISOR_MODEL", f"openai/{secret}")
        patch.setenv("LLM_ADVISOR_POSTGRES", f"postgresql://u:{secret}@{secret}/db")
        patch.setenv("LLM_ADVISOR_EMBEDDER", f"/home/{secret}/model")
        for name in ("release", "node", "machine", "system", "python_version", "python_implementation"):
            patch.setattr(f"platform.{name}", lambda: secret)
        patch.setattr("tools.commands.doctor_report.version", lambda _: f"1.2+{secret}")
        patch.setattr(
            "tools.hardware.detect_machine", lambda: Machine(secret, (Device(secret, "cuda", 1, None),))
        )
        _spread(folder, secret)
        findings = {**FINDINGS, "error": {"message": secret}}
        findings["checks"] = [{**FINDINGS["checks"][0], "found": secret, "next_step": secret}]
        document = report_document(findings)
        told = report_text(document) + json.dumps(document)
    assert secret not in told
    assert secret[3:] not in told


def _spread(folder: Path, secret: str) -> None:
    """The secret in every file that a person or a program may leave in the state folder."""
    log_file("errors", folder).parent.mkdir(parents=True, exist_ok=True)
    log_file("errors", folder).write_text(LOG.format(secret=secret))
    log_file(secret, folder).write_text(LOG.format(secret=secret))
    (folder / "settings.toml").write_text(f'reranker = "{secret}"\nchroma = "http://{secret}.example"\n')
    (folder / "guides").mkdir(exist_ok=True)
    (folder / "guides" / f"{secret}.md").write_text(secret)
    (folder / "refreshed").mkdir(exist_ok=True)
    (folder / "refreshed" / "overlay.json").write_text(secret)
    keep_run(_run(engine=secret, server=f"{secret}:1", served_as=secret, machine=secret), folder)


def test_the_command_prints_text_and_one_document(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(capsys, monkeypatch)
    done = program("doctor", "--report", "--offline")
    assert done.out.startswith("# llm-advisor doctor --report")
    document = program("doctor", "--report", "--offline", "--json").document
    assert document["report"].startswith("# llm-advisor doctor --report")
    assert {"versions", "hardware", "calibration", "facts", "index", "errors", "settings"} <= set(document)
    assert str(home()) not in json.dumps(document)


def test_the_page_is_short_and_its_document_is_json() -> None:
    home().mkdir(parents=True, exist_ok=True)
    (home() / "settings.toml").write_text("max_cost = nan\nrequest_seconds = inf\n")
    (home() / "refreshed").mkdir()
    (home() / "refreshed" / "overlay.json").write_text("{")
    forget_added()
    page = report_document(doctor(offline=True))
    text = report_text(page)
    assert json.loads(json.dumps(page, allow_nan=False)) == page
    assert page["facts"]["overlay"]["damaged"] is True
    assert "a damaged file is there" in text
    assert sum(len(textwrap.wrap(line, 80)) or 1 for line in text.split("\n")) <= 60
