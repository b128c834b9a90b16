# SPDX-License-Identifier: MIT
"""The plugin's counts come from QEMU, which a guest may have taken over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.bench.profiler import plugin
from devkit.host.errors import KitError


@pytest.fixture
def counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[plugin.Counts]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with plugin.Counts() as counts:
        yield counts


def test_qemu_may_write_to_one_empty_directory_of_this_boot(counts: plugin.Counts) -> None:
    found = counts.profile("p3")
    assert list(found.writes) == [counts.out.parent]
    assert list(counts.out.parent.iterdir()) == []
    with plugin.Counts() as others:
        assert others.out.parent != counts.out.parent
    assert not others.out.parent.exists()
    (library,) = found.reads
    assert not library.is_relative_to(counts.out.parent)
    assert library.read_bytes().startswith(b"\x7fELF")
    assert found.arguments[-1] == f"{library},out={counts.out}"


def test_counts(counts: plugin.Counts) -> None:
    counts.out.write_text("c1000100 5\n8048000 3\n")
    assert counts.read() == {0xC1000100: 5, 0x8048000: 3}


@pytest.mark.parametrize(
    "text", ["c1000100\n", "c1000100 x\n", "1 2 3\n", "zz 1\n", "\xff 1\n", "1 " + "9" * 5000]
)
def test_what_cannot_be_read_is_an_error_with_a_code(counts: plugin.Counts, text: str) -> None:
    counts.out.write_text(text, encoding="latin-1")
    refused(counts)


def test_what_is_no_file_of_sane_size_is_refused(
    counts: plugin.Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(counts)  # no file
    secret = counts.out.with_name("secret")
    secret.write_text("c1000100 5\n")
    counts.out.symlink_to(secret)
    refused(counts)
    counts.out.unlink()
    monkeypatch.setattr(plugin, "LARGEST", 10)
    counts.out.write_text("c1000100 5\n")
    refused(counts)


def refused(counts: plugin.Counts) -> None:
    with pytest.raises(KitError) as caught:
        counts.read()
    assert caught.value.code == "FQ-TARGET"
