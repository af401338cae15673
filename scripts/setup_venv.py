"""Set-up from nothing: creates .venv, installs the advisor and builds its index.

Runs with the standard library alone. Where pip would bring a CUDA build of torch (several GB) to a Linux
machine without an NVIDIA card, PyTorch's own CPU index is tried first, and the default index after it.

usage: python scripts/setup_venv.py [--dev] [--no-index]
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def python_of(folder: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return folder / ("Scripts/python.exe" if platform.system() == "Windows" else "bin/python")


def say(text: str) -> None:
    print(f"set-up: {text}", flush=True)


def pip(*arguments: str, check: bool = True) -> bool:
    """Runs pip in the environment; True when it succeeded."""
    command = [str(python_of(VENV)), "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=check, cwd=ROOT).returncode == 0


def has_nvidia() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


def torch_pin() -> str:
    """The pinned torch requirement of constraints.txt."""
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("torch=="):
            return line.strip()
    raise SystemExit("set-up: constraints.txt names no torch version")


def torch_present() -> bool:
    probe = "import importlib.metadata as m; print(m.version('torch'))"
    found = subprocess.run([str(python_of(VENV)), "-c", probe], capture_output=True, text=True, check=False)
    return found.returncode == 0 and found.stdout.strip().split("+")[0] == torch_pin().split("==")[1]


def install_torch() -> None:
    """Installs torch before the rest, so that the right build is there when pip resolves."""
    if torch_present():
        return
    pin = torch_pin()
    if platform.system() == "Linux" and not has_nvidia():
        say(f"no NVIDIA card found: trying the CPU build of {pin} (about 200 MB) from {CPU_INDEX}")
        if pip(
            "install",
            "--quiet",
            "--retries",
            "0",
            "--timeout",
            "15",
            "--index-url",
            CPU_INDEX,
            pin,
            check=False,
        ):
            return
        say(
            "that index cannot be reached; taking the default one "
            "(a CUDA build there is about 3 GB with its libraries)"
        )
    else:
        say(f"installing {pin} from the default index (0.1 to 3 GB, by platform)")
    pip("install", "--quiet", pin)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dev", action="store_true", help="with the tools that `make test` needs")
    parser.add_argument("--no-index", action="store_true", help="do not build the guide index")
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
    install_torch()
    say("installing llm-advisor and what it needs (about 500 MB to download, 1.3 GB on disk, beside torch)")
    pip(
        "install",
        "--quiet",
        "--constraint",
        "constraints.txt",
        "--editable",
        ".[dev]" if options.dev else ".",
    )
    if not options.no_index:
        say("building the guide index")
        subprocess.run([str(python_of(VENV)), "-P", "-m", "knowledge.build"], check=True, cwd=ROOT)
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
