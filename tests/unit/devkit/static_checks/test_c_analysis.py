# SPDX-License-Identifier: MIT
"""The analysis of C code: a planted fault is found, again and again, and what is well is analysed once.

sparse and Coccinelle need what comes out of the kernel's source: tests/integration/test_analysis.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit.commands import lint
from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.image import kernel, kernel_flavour, kernel_module, native_programs, python_extension
from devkit.static_checks import c_analysis

FREED = """\
#include <stdlib.h>
int f(void)
{
	int *p = malloc(sizeof(*p)), r;
	if (!p)
		return 1;
	*p = 2;
	free(p);
	r = *p;
	return r;
}
"""
Gcc = Callable[[], str]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "good.c").write_text('#include "used.h"\nint g(void)\n{\n\treturn USED;\n}\n')
    (folder / "used.h").write_text("#define USED 1\n")
    return folder


@pytest.fixture
def gcc(tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch) -> Gcc:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "packages.json").write_text("{}")
    compiler = (
        run_command.need(native_programs.COMPILER, "gcc-i686-linux-gnu"),
        *native_programs.CFLAGS.split(),
    )
    return lambda: c_analysis.gcc(tmp_path, {sources: compiler})


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files that gcc is run on."""
    found: list[str] = []
    original = c_analysis._printed

    def noted(argv: list[str]) -> str:
        found.append(Path(argv[-1]).name)
        return original(argv)

    monkeypatch.setattr(c_analysis, "_printed", noted)
    return found


def test_gcc_finds_a_use_after_free_at_every_run(gcc: Gcc, sources: Path) -> None:
    (sources / "freed.c").write_text(FREED)
    for _ in range(2):
        assert "freed.c:9" in gcc()
        assert "-Wanalyzer-use-after-free" in gcc()
    (sources / "freed.c").write_text(FREED.replace("\tfree(p);\n\tr = *p;\n", "\tr = *p;\n\tfree(p);\n"))
    assert gcc() == ""


def test_complaints_of_several_files_are_all_shown(gcc: Gcc, sources: Path) -> None:
    for name in ("a.c", "b.c"):
        (sources / name).write_text(FREED)
    shown = gcc()
    assert "a.c:9" in shown
    assert "b.c:9" in shown


def test_code_is_compiled_for_the_target(gcc: Gcc, sources: Path) -> None:
    # No complaint on the 64-bit host, where both become a long.
    (sources / "width.c").write_text("int w(long limit)\n{\n\treturn limit < 4u;\n}\n")
    assert "-Wsign-compare" in gcc()


def test_only_what_changed_is_analysed_again(gcc: Gcc, sources: Path, runs: list[str]) -> None:
    (sources / "other.c").write_text("int h(void);\nint h(void)\n{\n\treturn 3;\n}\n")
    assert gcc() == ""
    assert gcc() == ""
    assert sorted(runs) == ["good.c", "other.c"]
    (sources / "other.c").write_text("int h(void)\n{\n\treturn 4;\n}\n")
    assert gcc() == ""
    assert sorted(runs) == ["good.c", "other.c", "other.c"]


def test_a_changed_header_has_its_users_analysed_again(gcc: Gcc, sources: Path) -> None:
    assert gcc() == ""
    (sources / "used.h").write_text("#define USED *(int *)0\n")
    assert "-Wanalyzer-null-dereference" in gcc()


def test_a_tool_that_fails_without_a_word_complains() -> None:
    assert c_analysis._printed(["sh", "-c", "exit 3"]) == "exit status 3: sh -c exit 3"
    assert c_analysis._printed(["sh", "-c", "echo chatter >&2"], errors=False) == ""
    assert c_analysis._printed(["sh", "-c", "echo broken >&2; exit 1"], errors=False) == "broken"


def test_all_c_code_that_is_shipped_is_analysed(tmp_path: Path) -> None:
    roots = (*c_analysis.userspace(tmp_path), kernel_module.SOURCE)
    shipped = [
        path for path in lint.project_files()
        if path.suffix == ".c" and not path.is_relative_to(PROJECT / "tests")
    ]  # fmt: skip
    assert native_programs.SOURCE / "libfastqueue/ring.c" in shipped
    assert python_extension.SOURCE / "flows.c" in shipped
    assert [path for path in shipped if not any(path.is_relative_to(root) for root in roots)] == []


def test_missing_semantic_patches_are_told(tmp_path: Path) -> None:
    for pattern in c_analysis.PATCHES:
        path = tmp_path / f"{pattern.replace('*', 'some')}.cocci"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert len(c_analysis.semantic_patches(tmp_path)) == len(c_analysis.PATCHES)
    (tmp_path / "free/kfree.cocci").unlink()
    with pytest.raises(KitError, match="no semantic patch free/kfree"):
        c_analysis.semantic_patches(tmp_path)


def test_headers_are_prepared_only_without_a_built_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kernel, "source", lambda _: tmp_path)
    monkeypatch.setattr(kernel, "build_headers", lambda _: tmp_path / "headers")
    (tmp_path / "source.json").write_text("{}")
    default = kernel_flavour.flavour(kernel_flavour.DEFAULT)
    assert kernel.compiled_against(default) == tmp_path / "headers"
    key = kernel._key(default, tmp_path)
    built = cache.entry("kernel", key, lambda work: (work / "bzImage").touch())
    assert kernel.compiled_against(default) == built
    (built / "bzImage").unlink()
    assert kernel.compiled_against(default) == tmp_path / "headers"


def test_module_is_copied_without_what_was_built(tmp_path: Path) -> None:
    shutil.copytree(kernel_module.SOURCE, tmp_path / "source")
    (tmp_path / "source/main.o").touch()
    copy = kernel_module.copied(tmp_path, tmp_path / "source")
    assert (copy / "main.c").read_bytes() == (kernel_module.SOURCE / "main.c").read_bytes()
    assert not (copy / "main.o").exists()
