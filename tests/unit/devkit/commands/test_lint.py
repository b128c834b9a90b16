# SPDX-License-Identifier: MIT
"""What the linters are run on, and that one run shows all that fails."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from devkit.commands import lint
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.image import linux_source, native_programs


def test_shell_scripts_are_known_by_their_first_line(tmp_path: Path) -> None:
    contents = {"a": "#!/bin/sh\n", "b.py": "#!/usr/bin/python3\n", "c": "#!/bin/bash -e\n", "d.sh": "x\n"}
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "link").symlink_to("a")
    found = lint.shell_scripts([*sorted(tmp_path.iterdir()), tmp_path / "gone"])
    assert [path.name for path in found] == ["a", "c"]


def test_bootstrap_overlay_and_module_are_checked() -> None:
    by_name = {check.name: check.argv for check in lint.checks(lint.project_files(), Path("/checkpatch.pl"))}
    overlay = PROJECT / "br2-external/board/common/rootfs-overlay"
    assert str(PROJECT / "inv") in by_name["shellcheck"]
    assert str(overlay / "etc/init.d/rcS") in by_name["shellcheck"]
    assert str(PROJECT / "kmod/include/uapi/linux/fastqueue.h") in by_name["checkpatch"]


def test_one_run_shows_all_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = [
        lint.Check("first", ("sh", "-c", "echo one wrong; exit 1")),
        lint.Check("second", ("true",)),
        lint.Check("third", ("no-such-tool-of-any-kind",)),
        lint.Check("silent", ("sh", "-c", "exit 3")),
    ]
    found = [lint.Analysis("well", lambda: ""), lint.Analysis("analysis", lambda: "main.c:7: a fault")]
    monkeypatch.setattr(lint, "checks", lambda *_: plan)
    monkeypatch.setattr(lint, "analyses", lambda *_: found)
    monkeypatch.setattr(lint, "compiled_against", lambda _: Path("/kernel"))
    monkeypatch.setattr(linux_source, "checkers", lambda: Path("/checkers"))
    monkeypatch.setattr(native_programs, "sysroot", lambda: Path("/libraries"))
    with pytest.raises(KitError, match="complaints of analysis, first, third, silent"):
        lint.lint()
    shown = capsys.readouterr().out
    assert "one wrong" in shown
    assert "not installed" in shown
    assert "main.c:7: a fault" in shown
    assert "exit status 3" in shown


def test_each_analysis_gets_its_input() -> None:
    found = lint.analyses(Path("/libraries"), Path("/kernel"), Path("/patches"))
    inputs = {one.name: one.complaints.args for one in found if isinstance(one.complaints, partial)}
    assert inputs == {
        "gcc -fanalyzer": (Path("/libraries"),),
        "sparse": (Path("/kernel"),),
        "coccinelle": (Path("/patches"),),
    }
