# SPDX-License-Identifier: MIT
from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from devkit.flash import exit_status, image_source
from devkit.host.errors import KitError

#: An entry of a partition table: active, Linux, from sector 1, two sectors.
ENTRY = b"\x80\0\0\0\x83\0\0\0\1\0\0\0\2\0\0\0"
CONTENT = bytes(446) + ENTRY + bytes(48) + b"\x55\xaa" + bytes(1024)
#: A kernel for i386 begins like this: the signature of a boot sector, and other things in the table's place.
KERNEL = bytes(440) + b"\xff" * 57 + bytes.fromhex("1f0100207b04000000ffff0000") + b"\x55\xaa"
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "disk.img").write_bytes(CONTENT)
    return tmp_path / "disk.img"


def describe(path: Path, **changes: object) -> None:
    entry = {"size": len(CONTENT), "sha256": SUM, **changes}
    told = {"cpu": "pentium3", "files": {"disk.img": entry}}
    (path.parent / "image.json").write_text(json.dumps(told))


def refused(path: Path, said: str) -> None:
    with pytest.raises(KitError, match=said) as caught:
        image_source.load(path)
    assert (caught.value.code, caught.value.status) == ("FQ-FLASH-IMAGE", exit_status.IMAGE)


def test_image_json(path: Path) -> None:
    describe(path)
    assert image_source.load(path) == image_source.DiskImage(path, len(CONTENT), SUM, "pentium3")


@pytest.mark.parametrize(
    "line", [f"{SUM}  disk.img\n", f"{SUM} *out/disk.img\n", f"{'0' * 64}  other\n{SUM}  disk.img"]
)
def test_sums(path: Path, line: str) -> None:
    path.with_name("disk.img.sha256").write_text(line)
    assert image_source.load(path) == image_source.DiskImage(path, len(CONTENT), SUM, None)


def test_image_json_of_other_files_does_not_count(path: Path) -> None:
    (path.parent / "image.json").write_text('{"files": {"bzImage": {"size": 1, "sha256": ""}}}')
    refused(path, "nothing says what")


def test_no_description(path: Path) -> None:
    refused(path, "nothing says what")


def test_sums_of_another_file(path: Path) -> None:
    path.with_name("disk.img.sha256").write_text(f"{SUM}  other.img\n")
    refused(path, "does not name disk.img")


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', '{"files": {"disk.img": {"size": "x"}}}'])
def test_a_description_that_is_not_understood(path: Path, text: str) -> None:
    (path.parent / "image.json").write_text(text)
    refused(path, "not understood")


def test_another_size(path: Path) -> None:
    describe(path, size=1024)
    refused(path, "has 1536 bytes, its description says 1024")


def test_no_file(tmp_path: Path) -> None:
    refused(tmp_path / "none.img", "No such file")
    refused(tmp_path, "is no file")


@pytest.mark.parametrize(
    "content", [b"", bytes(512), CONTENT[:-1], b"hsqs" + bytes(508), bytes(510) + b"\x55\xaa", KERNEL]
)
def test_no_disk_image(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    describe(path)
    refused(path, "is no disk image")


def test_the_content_is_compared(path: Path) -> None:
    describe(path)
    image = image_source.load(path)
    told: list[int] = []
    with path.open("rb") as file:
        image_source.check(image, file, told.append)
    assert sum(told) == len(CONTENT)
    path.write_bytes(CONTENT[:-1] + b"x")
    with path.open("rb") as file, pytest.raises(KitError, match="is damaged") as caught:
        image_source.check(image, file, told.append)
    assert caught.value.code == "FQ-FLASH-IMAGE"
