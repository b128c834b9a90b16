# SPDX-License-Identifier: MIT
"""What image.json says, and what is published."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devkit.host.errors import KitError
from devkit.image import image, kernel_flavour, kernel_module
from devkit.image.rootfs import Parts


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Parts, dict[str, Path]]:
    """Parts of an image and its files, with made-up contents."""
    monkeypatch.setattr(image, "OUT", tmp_path / "out")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(image, "git_state", lambda _: {"commit": "c0ffee", "dirty": False})
    parts = Parts(*(tmp_path / "fastqueue" / name for name in ("userland", "kernel", "module", "native")))
    contents = {
        parts.userland / "packages.json": json.dumps({"busybox-static": "1:1.35.0"}),
        parts.kernel / "kernel.json": json.dumps({"release": "6.12.1", "version": "6.12.1-1"}),
        parts.kernel / "bzImage": "kernel",
        parts.module / "fastqueue.ko": "module",
        tmp_path / "fastqueue/rootfs/rootfs.squashfs": "root file system",
    }
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (parts.kernel / "build").mkdir()
    return parts, image.files(parts, tmp_path / "fastqueue/rootfs", media=False)


def _described(made: tuple[Parts, dict[str, Path]]) -> dict[str, Any]:
    return image.describe("debian", *made, kernel_flavour.flavour("lockdep"))


def test_description(made: tuple[Parts, dict[str, Path]]) -> None:
    about = _described(made)
    assert about["base"] == "debian"
    assert about["kernel"]["release"] == "6.12.1"
    assert about["machine"] == {"profile": "smp", "memory": 256}
    assert about["packages"] == {"busybox-static": "1:1.35.0"}
    assert about["git"] == {"commit": "c0ffee", "dirty": False}
    assert about["files"]["bzImage"] == {"size": 6, "sha256": hashlib.sha256(b"kernel").hexdigest()}
    assert set(about["files"]) == {"bzImage", "rootfs.squashfs", "fastqueue.ko"}


def test_an_image_without_a_description_gets_the_default_machine(tmp_path: Path) -> None:
    assert (image.Image(tmp_path).profile, image.Image(tmp_path).memory) == ("p3", 64)


def test_published_image_has_all_its_files(made: tuple[Parts, dict[str, Path]]) -> None:
    parts, files = made
    published = image.publish(parts, files, _described(made))
    assert published.kernel.read_text() == "kernel"
    assert published.rootfs.read_text() == "root file system"
    assert published.module.read_text() == "module"
    assert published.kernel_build == parts.kernel / "build"
    assert published.modules == parts.kernel / "modules/lib/modules/6.12.1"
    assert published.description == _described(made)


def test_no_makefile_outside_the_cache_is_run(
    made: tuple[Parts, dict[str, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link of an image leads into the cache of its build, which may be anybody's place by now."""
    parts, files = made
    published = image.publish(parts, files, _described(made))
    (parts.kernel / "build/Makefile").write_text(f"modules:\n\ttouch {tmp_path}/ran\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    uses: tuple[Callable[[], object], ...] = (
        lambda: published.kernel_build,
        lambda: published.modules,
        lambda: published.python_headers,
        lambda: image.rebuild_module(published),
    )
    for use in uses:
        with pytest.raises(KitError) as caught:
            use()
        assert caught.value.code == "FQ-IMAGE"
        assert str(parts.kernel) in caught.value.what
    assert not (tmp_path / "ran").exists()


def test_a_compiler_outside_the_checkout_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a checkout that was moved, the image's kernel still names the compiler in the old place."""
    monkeypatch.setattr(kernel_module, "OUT", tmp_path / "checkout/out")
    inside = tmp_path / "checkout/out/buildroot/x/host/bin/i686-"
    assert kernel_module._compiler({"cross_compile": str(inside)}) == [f"CROSS_COMPILE={inside}"]
    assert kernel_module._compiler({}) == []
    for outside in (tmp_path / "out/x/i686-", tmp_path / "checkout/out/../../i686-", Path("i686-")):
        with pytest.raises(KitError) as caught:
            kernel_module._compiler({"cross_compile": str(outside)})
        assert caught.value.code == "FQ-IMAGE"


def test_the_same_image_is_left_alone_and_another_replaces_it(made: tuple[Parts, dict[str, Path]]) -> None:
    parts, files = made
    published = image.publish(parts, files, _described(made))
    before = published.directory.stat().st_ino
    image.publish(parts, files, _described(made))
    assert published.directory.stat().st_ino == before
    (parts.module / "fastqueue.ko").write_text("module 2")
    image.publish(parts, files, _described(made))
    assert published.module.read_text() == "module 2"
    assert sorted(path.name for path in published.directory.parent.iterdir()) == [".lock", "image"]


def test_damaged_published_image_is_replaced(made: tuple[Parts, dict[str, Path]]) -> None:
    parts, files = made
    published = image.publish(parts, files, _described(made))
    published.rootfs.unlink()
    assert image.publish(parts, files, _described(made)).rootfs.exists()


def test_git_state(tmp_path: Path) -> None:
    assert image.git_state(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    state = image.git_state(tmp_path)
    assert state is not None
    assert len(str(state["commit"])) == 40
    assert state["dirty"] is False
    (tmp_path / "new").touch()
    changed = image.git_state(tmp_path)
    assert changed is not None
    assert changed["dirty"] is True


def test_base(tmp_path: Path) -> None:
    assert image.Image(tmp_path).base == "auto"
    (tmp_path / "image.json").write_text('{"base": "buildroot"}')
    assert image.Image(tmp_path).base == "buildroot"
