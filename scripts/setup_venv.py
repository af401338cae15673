"""Set-up from nothing: creates .venv, installs the advisor and builds its index.

Runs with the standard library alone, and takes packages from wherever pip is set up to look.

usage: python scripts/setup_venv.py [--dev]
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PACKAGES = ("agent", "knowledge", "tools", "tui")


def python_of(folder: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return folder / ("Scripts/python.exe" if platform.system() == "Windows" else "bin/python")


def say(text: str) -> None:
    print(f"set-up: {text}", flush=True)


def pip(*arguments: str) -> None:
    """Runs pip in the environment."""
    command = [str(python_of(VENV)), "-m", "pip", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, cwd=ROOT)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dev", action="store_true", help="with the tools that `make test` needs")
    options = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 - an older interpreter must get a sentence, not a traceback
        print(
            f"set-up: Python 3.11 or newer is needed, this is {platform.python_version()}. "
            "Name another one: make setup PYTHON=python3.12",
            file=sys.stderr,
        )
        return 2
    if not python_of(VENV).exists():
        say(f"creating {VENV}")
        venv.create(VENV, with_pip=True, clear=VENV.exists())
    say(
        "installing llm-advisor and what it needs: about 500 MB to download, and PyTorch "
        "(200 MB as a CPU build, about 3 GB with CUDA, as pip's index has it)"
    )
    pip(
        "install",
        "--quiet",
        "--constraint",
        "constraints.txt",
        "--editable",
        ".[dev]" if options.dev else ".",
    )
    # Python writes its compiled modules itself where it may; where it may not, each start would compile anew.
    subprocess.run([str(python_of(VENV)), "-m", "compileall", "-q", *PACKAGES], check=True, cwd=ROOT)
    say("building the guide index")
    subprocess.run([str(python_of(VENV)), "-P", "-m", "knowledge.build"], check=True, cwd=ROOT)
    say("checking the figures of the guides")
    subprocess.run([str(python_of(VENV)), "-P", "-m", "tools.guides.build"], check=True, cwd=ROOT)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(
            f"set-up: a step failed (exit status {error.returncode}); its messages are above.",
            file=sys.stderr,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
