"""The documents that are written from the commands' help are up to date, whole and readable."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("command_docs", ROOT / "scripts" / "command_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["command_docs"] = module
    spec.loader.exec_module(module)
    return module


def test_they_are_up_to_date(docs: ModuleType) -> None:
    assert [path.name for path in docs.stale()] == [], "run `make docs`"


def test_every_command_and_option_is_in_them(docs: ModuleType) -> None:
    text, page = docs.MARKDOWN.read_text(encoding="utf-8"), docs.MAN.read_text(encoding="utf-8")
    found = docs.pages()
    assert len(found) > 30
    for one in found:
        assert f"## `{one.path}`" in text
        for names, _ in one.options:
            assert names.split(",")[0].split(" ")[0] in text
            assert names.split(",")[0].split(" ")[0].replace("-", "\\-") in page


def test_the_script_names_what_is_stale(
    docs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "MAN", tmp_path / "page.1")
    assert docs.main(["--check"]) == 1
    assert "page.1 is out of date: make docs" in capsys.readouterr().err
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_page_renders_without_a_warning(docs: ModuleType) -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", str(docs.MAN)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stderr == ""
    assert "find the language model to run" in done.stdout
