# SPDX-License-Identifier: MIT
"""The labs' directory: no command uses another user's; sockets have a process of this user at both ends."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devkit.commands import boot
from devkit.host import paths, unix_peer
from devkit.host.errors import KitError
from devkit.lab import rundir
from devkit.lab.client import Lab, running
from tests import other_user


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A path in a directory that every user may write to, as in /tmp; FASTQUEUE_RUNTIME names it."""
    above = Path(tempfile.mkdtemp(prefix="fq-")).resolve()
    above.chmod(0o1777)
    monkeypatch.setenv("FASTQUEUE_RUNTIME", str(above / "labs"))
    yield above / "labs"
    shutil.rmtree(above)


def locked() -> None:
    with rundir.locked():
        pass


USES: dict[str, Callable[[], object]] = {
    "status": boot.status,
    "down": boot.down,
    "down --all": lambda: boot.down(everything=True),
    "run": lambda: boot.run(["true"]),
    "boot": lambda: Lab.start("default"),
    "attach": lambda: Lab.attach("default"),
    "running": running,
    "alive": lambda: rundir.alive("default"),
    "lock": locked,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_a_directory_that_is_open_to_others_is_never_used(use: Callable[[], object], place: Path) -> None:
    place.mkdir()
    place.chmod(0o777)
    with pytest.raises(KitError) as caught:
        use()
    assert caught.value.code == "FQ-RUNTIME"
    assert "FASTQUEUE_RUNTIME" in caught.value.remedy


@other_user.needs_root
@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_a_directory_that_another_user_made_first_is_never_used(
    use: Callable[[], object], place: Path, tmp_path: Path
) -> None:
    """With a false lab in it, which answers, and a lock that is a link to a file of ours."""
    (tmp_path / "victim").write_text("content")
    seen = tmp_path / "seen"

    def false_lab(ready: Callable[[], None]) -> None:
        (place / "default").mkdir(parents=True)
        (place / ".lock").symlink_to(tmp_path / "victim")
        (place / "default/command.lock").symlink_to(tmp_path / "new")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
            sock.bind(str(place / "default/control.sock"))
            sock.listen()
            ready()
            connection, _ = sock.accept()
            connection.recv(4096)
            connection.send(json.dumps({"logs": "/", "target": None}).encode())
            connection.recv(1)

    with other_user.running(false_lab):
        with pytest.raises(KitError) as caught:
            use()
        assert caught.value.code == "FQ-RUNTIME"
        assert (place / "default/control.sock").exists()
    assert (tmp_path / "victim").read_text() == "content"
    assert not (tmp_path / "new").exists()
    assert not seen.exists()


def test_root_has_a_directory_that_only_root_can_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASTQUEUE_RUNTIME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "access", lambda *_: True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert paths.runtime_dir() == Path("/run/fastqueue")


def test_a_run_time_directory_of_ones_own_is_taken_and_a_foreign_one_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FASTQUEUE_RUNTIME", raising=False)
    monkeypatch.setattr(os, "access", lambda *_: False)  # as for a user who is not root
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(own))
    assert paths.runtime_dir() == own / "fastqueue"
    own.chmod(0o755)
    assert own not in paths.runtime_dir().parents


@other_user.needs_root
def test_another_users_listener_gets_nothing(tmp_path: Path) -> None:
    place = Path(tempfile.mkdtemp(prefix="fq-"))
    place.chmod(0o777)

    def listen(ready: Callable[[], None]) -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(place / "console.sock"))
            sock.listen()
            ready()
            sock.accept()[0].recv(1)

    try:
        with other_user.running(listen), pytest.raises(KitError) as caught:
            unix_peer.connect(place / "console.sock")
        assert caught.value.code == "FQ-PEER"
        assert str(other_user.UID) in caught.value.what
    finally:
        shutil.rmtree(place)


def test_a_listener_of_ones_own(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s"))
        sock.listen()
        with unix_peer.connect(tmp_path / "s") as connected:
            assert unix_peer.credentials(connected) == (os.getpid(), os.geteuid(), os.getegid())
