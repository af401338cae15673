"""The program starts where modules and signals of POSIX do not exist, as on Windows."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import importlib, pkgutil, signal, sys, warnings
warnings.simplefilter("ignore")
GONE = {"fcntl", "termios", "tty", "pty", "resource", "grp", "pwd", "readline", "syslog"}
# Packages of others that ask for the system they run on, as they find it.
for name in ("asyncio", "subprocess", "textual.app", "textual.drivers.linux_driver", "mcp"):
    importlib.import_module(name)
for name in ("SIGHUP", "SIGTSTP", "SIGKILL"):
    delattr(signal, name)

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in GONE:
            raise ModuleNotFoundError(name)

for name in GONE:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Absent())
for layer in ("knowledge", "tools", "agent", "tui"):
    package = importlib.import_module(layer)
    for found in pkgutil.walk_packages(package.__path__, layer + "."):
        try:
            importlib.import_module(found.name)
        except Exception as error:
            print(found.name, repr(error))
"""


def test_every_module_is_imported_without_what_only_posix_has() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=180, check=True
    )
    assert ended.stdout == ""
