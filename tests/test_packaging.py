"""The wheel holds every file the program reads and no tests, and runs beside files of the same names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("agent", "knowledge", "tools", "tui")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the sources, without the network."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    (source / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "llm-advisor.1", source / "docs")
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    return next(out.glob("*.whl"))


def test_the_wheel_holds_all_files_of_the_packages_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= names
    tops = {name.split("/")[0] for name in names}
    own = next(t for t in tops if t.endswith(".dist-info")).removesuffix(".dist-info")
    assert tops <= {*PACKAGES, f"{own}.dist-info", f"{own}.data"}
    assert f"{own}.data/data/share/man/man1/llm-advisor.1" in names


def test_the_command_runs_from_a_folder_with_modules_of_the_same_names(tmp_path: Path) -> None:
    for package in PACKAGES:
        (tmp_path / f"{package}.py").write_text("raise RuntimeError('the wrong module')\n", encoding="utf-8")
    command = Path(sys.executable).with_name("llm-advisor")
    home = {**os.environ, "LLM_ADVISOR_HOME": str(tmp_path / "home")}
    found = subprocess.run(
        [str(command), "gpus", "show", "RTX 3090", "--json"],
        cwd=tmp_path,
        env=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 0, found.stderr
    assert '"RTX 3090"' in found.stdout or "GeForce RTX 3090" in found.stdout
