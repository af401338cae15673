"""No test sees the state folder, the models or the keyring of the person who runs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from knowledge.home import HOME_VARIABLE


@pytest.fixture(scope="session", autouse=True)
def own_state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A state folder for the run, and no pulled models; tests that store something set one of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        patch.setenv(HOME_VARIABLE, str(tmp_path_factory.mktemp("state")))
        patch.setattr("tools.pulled.roots", lambda environ, home: ())
        yield
