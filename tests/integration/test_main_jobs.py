# SPDX-License-Identifier: MIT
"""The demonstration as a newcomer runs it, and the way from an edit to the running module."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devkit.commands.demo import run_demo
from devkit.commands.reload_module import reload_module
from devkit.host.errors import KitError
from devkit.image.image import Image
from devkit.lab.client import Lab
from devkit.measure import data_path
from devkit.target.qemu import Target


def test_demo_shows_both_flows_and_every_path(image: Image, tmp_path: Path) -> None:
    run_demo(seconds=3, out=tmp_path, base=image.base)
    shown = json.loads((tmp_path / "result.json").read_text())
    passing, dropped = shown["flows"]
    assert passing["arrived"] == passing["sent"] > 0
    assert dropped["sent"] > 0
    assert dropped["arrived"] == 0
    assert len(shown["results"]) == len(data_path.ALL)
    assert all(result["mbit_per_s"] > 0 for result in shown["results"])
    assert (tmp_path / "result.png").read_bytes().startswith(b"\x89PNG")


def test_reload_puts_the_module_into_a_running_target(image: Image) -> None:
    with Lab.start() as lab:
        Target.boot(image, lab=lab).close()
        reload_module(lab.name, image)
        target = Target.attach(lab)
        loaded = target.run("lsmod; cmp /run/fastqueue.ko /lib/modules/$(uname -r)/extra/fastqueue.ko")
        assert "fastqueue" in loaded.output
        # A handler that was started in the background outlives the command and the next user.
        target.run("fq-null >/run/handler.log 2>&1 &")
        target.run("until grep -q ready /run/handler.log; do sleep 0.1; done")
        target.close()
        with pytest.raises(KitError, match="fastqueue"):
            reload_module(lab.name, image)
