# SPDX-License-Identifier: MIT
"""The image: kernel, root file system and their description, in out/image."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.hardware import cpu_class
from devkit.host import cache, file_lock, run_command
from devkit.host.errors import KitError
from devkit.host.paths import OUT, PROJECT
from devkit.host.progress import say
from devkit.image import base_choice
from devkit.image import kernel_flavour as flavours
from devkit.image.buildroot import image_parts as buildroot
from devkit.image.debian.userland import build_userland
from devkit.image.disk_image import build_disk
from devkit.image.kernel import build_kernel
from devkit.image.kernel_module import build_module
from devkit.image.native_programs import build_native
from devkit.image.rootfs import Parts, build_rootfs

#: Entries of each kind that stay in the cache however old they are.
_KEEP = {
    "kernel": 10,
    "headers": 2,
    "linux-source": 3,
    "userland": 2,
    "sysroot": 2,
    "native": 3,
    "module": 3,
    "rootfs": 3,
    "disk": 3,
    "suricata": 2,
    "isa": 400,
    "analysis": 400,
    "buildroot-image": 2,
    "buildroot-archives": 2,
    "toolchain": 2,
    "instructions-plugin": 2,
}
#: Seconds for which another build may hold the images: it copies a few hundred MB.
_PATIENCE = 300.0


@dataclass(frozen=True)
class Image:
    """A built image in ``directory``; README.md lists its files."""

    directory: Path

    @property
    def kernel(self) -> Path:
        """Kernel for QEMU or a boot loader."""
        return self.directory / "bzImage"

    @property
    def rootfs(self) -> Path:
        """Root file system, a squashfs."""
        return self.directory / "rootfs.squashfs"

    @property
    def disk(self) -> Path:
        """Disk image for boards, with the same kernel and root file system."""
        return self.directory / "disk.img"

    @property
    def slot(self) -> Path:
        """Content of one of the disk's slots: what a target is updated with."""
        return self.directory / "slot.squashfs"

    @property
    def module(self) -> Path:
        """fastqueue.ko as it is in the root file system."""
        return self.directory / "fastqueue.ko"

    @property
    def modules(self) -> Path:
        """Folder of the kernel's own modules, in the cache: ``kernel/net/...``."""
        return self.kernel_build.parent / "modules/lib/modules" / str(self.description["kernel"]["release"])

    @property
    def kernel_build(self) -> Path:
        """Build tree of the kernel, in the cache, for out-of-tree modules: its makefiles are run.

        KitError FQ-IMAGE if the image was built with another cache, which may be anybody's by now.
        """
        found = self._kernel_link.resolve()
        if not found.is_relative_to(cache.directory()):
            what = f"the kernel of {self.directory} is not in the cache, but in {found}"
            raise KitError("FQ-IMAGE", what, "./inv build, or set XDG_CACHE_HOME as it was then")
        return found

    @property
    def _kernel_link(self) -> Path:
        return self.directory / "kernel-build"

    @property
    def python_headers(self) -> Path | None:
        """CPython's headers (a folder ``python3.13``), in the cache; None for Debian's CPython."""
        found = [*self.kernel_build.parent.glob("include/python3.*")]
        return found[0] if found else None

    @property
    def base(self) -> str:
        """Base that it was built on; auto where no image.json says so."""
        try:
            return str(self.description["base"])
        except (OSError, KeyError):
            return "auto"

    @property
    def profile(self) -> str:
        """Machine profile that the kernel needs."""
        return str(self._machine["profile"])

    @property
    def memory(self) -> int:
        """MB of memory that the kernel needs."""
        return int(self._machine["memory"])

    @property
    def _machine(self) -> dict[str, Any]:
        """What image.json says of it; of an image without one, or an older one, the default kernel's."""
        try:
            machine: dict[str, Any] = self.description["machine"]
        except (OSError, KeyError):
            default = flavours.flavour(flavours.DEFAULT)
            machine = {"profile": default.profile, "memory": default.memory}
        return machine

    @property
    def description(self) -> dict[str, Any]:
        """What image.json says."""
        loaded: dict[str, Any] = json.loads((self.directory / "image.json").read_text())
        return loaded


def build_image(
    wish: base_choice.ImageOptions | None = None,
    kernel_name: str = flavours.DEFAULT,
    *,
    fresh: bool = False,
    folder: str = "",
) -> Image:
    """Build what is not in the cache, and put the image into out/``folder`` (the base's own by default).

    wish: the base and what belongs to it; kernel_name: a flavour or a version of Debian's linux-source;
    fresh: ask the mirrors for newer packages. KitError with a code of the part that failed.
    """
    wish = wish or base_choice.ImageOptions()
    flavour = flavours.flavour(kernel_name)
    base = base_choice.choose(wish, flavour)
    say(f"base: {base.name} ({base.reason})")
    if base.tree is not None:
        request = buildroot.BuildrootRequest(base.tree, wish.config, wish.sources, fresh)
        packed = buildroot.built(request)
        parts = Parts(userland=packed, kernel=packed, module=packed, native=packed)
    else:
        built = build_kernel(flavour, fresh)
        parts = Parts(
            userland=build_userland(fresh),
            kernel=built,
            module=build_module(built),
            native=build_native(fresh),
        )
        packed = build_rootfs(parts)
    contents = files(parts, packed, media=flavour not in flavours.TESTING)
    description = describe(base.name, parts, contents, flavour)
    image = publish(parts, contents, description, folder or wish.folder)
    for kind, keep in _KEEP.items():
        cache.prune(kind, keep)
    return image


def rebuild_module(image: Image) -> Path:
    """Build kmod/ as it is for the kernel of ``image``; return fastqueue.ko."""
    return build_module(image.kernel_build.parent) / "fastqueue.ko"


def files(parts: Parts, packed: Path, *, media: bool) -> dict[str, Path]:
    """Files of an image by their names there; ``media``: also what boards boot and are updated from."""
    found = {
        "bzImage": parts.kernel / "bzImage",
        "rootfs.squashfs": packed / "rootfs.squashfs",
        "fastqueue.ko": parts.module / "fastqueue.ko",
    }
    if media:
        made = build_disk(packed, parts.kernel)
        found |= {name: made / name for name in ("disk.img", "slot.squashfs")}
    return found


def describe(base: str, parts: Parts, contents: dict[str, Path], flavour: flavours.Flavour) -> dict[str, Any]:
    """Content of image.json: where the image comes from and what it is made of."""
    return {
        "format": 1,
        "base": base,
        "cpu": cpu_class.IMAGE_CLASSES[flavour.architecture],
        "kernel": json.loads((parts.kernel / "kernel.json").read_text()),
        "machine": {"profile": flavour.profile, "memory": flavour.memory},
        "packages": json.loads((parts.userland / "packages.json").read_text()),
        "git": git_state(PROJECT),
        "files": {
            name: {"size": path.stat().st_size, "sha256": cache.digest_file(path)}
            for name, path in contents.items()
        },
        "inputs": parts.key,
    }


def git_state(project: Path) -> dict[str, str | bool] | None:
    """Commit of ``project`` and whether its files differ from it; None outside git."""
    try:
        commit = run_command.run(["git", "-C", project, "rev-parse", "HEAD"]).strip()
        changes = run_command.run(["git", "-C", project, "status", "--porcelain"])
    except KitError:
        return None
    return {"commit": commit, "dirty": bool(changes.strip())}


def publish(
    parts: Parts, contents: dict[str, Path], description: dict[str, Any], folder: str = "image"
) -> Image:
    """Make out/``folder`` what ``description`` says, in one step."""
    image = Image(OUT / folder)
    OUT.mkdir(exist_ok=True)
    with _locked():
        if _is_published(image, parts, description):
            return image
        new, old = OUT / f".{folder}.new", OUT / f".{folder}.old"
        for rest in (new, old):
            cache.remove_tree(rest)
        new.mkdir()
        # Not shutil: most of a disk image is holes, and they are to stay holes.
        run_command.run(["cp", "--sparse=always", "--preserve=timestamps", *contents.values(), new])
        (new / "kernel-build").symlink_to(parts.kernel / "build")
        (new / "image.json").write_text(json.dumps(description, indent=2) + "\n")
        if image.directory.exists():
            image.directory.rename(old)
        new.rename(image.directory)
        cache.remove_tree(old)
    return image


@contextmanager
def _locked() -> Iterator[None]:
    """Hold the right to exchange images in out/; KitError FQ-BUSY if another process keeps it."""
    place = OUT / ".lock"
    busy = KitError("FQ-BUSY", "another build stores its image and does not come to its end",
                    f"fuser -v {place} shows it; end it, run this again")  # fmt: skip
    descriptor = file_lock.hold(place, busy, _PATIENCE, "Another build stores its image: waiting.")
    try:
        yield
    finally:
        os.close(descriptor)


def _is_published(image: Image, parts: Parts, description: dict[str, Any]) -> bool:
    try:
        sizes = {name: (image.directory / name).stat().st_size for name in description["files"]}
        wanted = {name: file["size"] for name, file in description["files"].items()}
        same_kernel = image._kernel_link.resolve() == (parts.kernel / "build").resolve()
        return sizes == wanted and same_kernel and image.description == description
    except (OSError, ValueError):
        return False
