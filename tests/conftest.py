"""No test sees the state folder, the models or the keyring of the person who runs it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from knowledge.home import HOME_VARIABLE

# The same examples in every run; `pytest --hypothesis-profile=random` looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("random", derandomize=False)
settings.load_profile("same")

# A run in the background of a shell ignores Ctrl+C, and would hand that on to the programs that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def own_state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A state folder for the run, and no pulled models; tests that store something set one of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        patch.setenv(HOME_VARIABLE, str(tmp_path_factory.mktemp("state")))
        patch.setattr("tools.pulled.roots", lambda environ, home: ())
        yield
