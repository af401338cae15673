"""A small file is the old or the new one."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from knowledge.files import replace_text


def test_it_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    place = tmp_path / "small.json"
    replace_text(place, "one")
    replace_text(place, "zwei äöü \udcff\n")
    assert place.read_text(encoding="utf-8", errors="surrogatepass") == "zwei äöü \udcff\n"
    assert [path.name for path in tmp_path.iterdir()] == ["small.json"]


def test_a_full_disk_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "small.json"
    replace_text(place, "one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("knowledge.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_text(place, "two")
    assert place.read_text(encoding="utf-8") == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["small.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes, and links need a privilege")
def test_a_private_one_is_its_owners_alone_and_a_link_stays_one(tmp_path: Path) -> None:
    secret, link = tmp_path / "kept" / "secret.toml", tmp_path / "secret.toml"
    secret.parent.mkdir()
    secret.write_text("old", encoding="utf-8")
    link.symlink_to(secret)
    replace_text(link, "new", private=True)
    assert link.is_symlink()
    assert secret.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
