# SPDX-License-Identifier: MIT
import re
from pathlib import Path

import pytest

from devkit.bench.paths import laying, netfilterqueue_package
from devkit.bench.paths.catalogue import (
    ALL,
    NETFILTERQUEUE,
    NFQUEUE_PYTHON,
    PLAIN,
    TARGET_FOLDER,
    PathSetting,
)


def test_a_row_of_the_image_brings_no_files() -> None:
    assert laying.files(PLAIN) == {}


def test_programs_of_the_kits_own_are_there_under_their_commands_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "_impl.so").touch()
    monkeypatch.setattr(netfilterqueue_package, "package", lambda: tmp_path)
    for row in ALL:
        brought = laying.files(row)
        assert all(path.is_file() for path in brought.values())
        named = [word for word in PathSetting(row).argv(0) if word.startswith(TARGET_FOLDER)]
        assert [f"{TARGET_FOLDER}/{name}" for name in brought if name.endswith("_null.py")] == named
    assert "netfilterqueue/_impl.so" in laying.files(NETFILTERQUEUE)
    assert list(laying.files(NFQUEUE_PYTHON)) == ["nfqueue_null.py"]


def test_what_is_fetched_is_pinned_by_version_and_hash() -> None:
    for requirement in (netfilterqueue_package.SOURCE, netfilterqueue_package.CYTHON):
        assert re.fullmatch(r"\w+==[\d.]+ --hash=sha256:[0-9a-f]{64}", requirement)
