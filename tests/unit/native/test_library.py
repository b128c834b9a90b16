# SPDX-License-Identifier: MIT
"""libfastqueue as it is installed, and its examples, on a model of the device."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NATIVE = HERE.parents[2] / "native"


def run(*argv: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", **environment}
    return subprocess.run(
        list(map(str, argv)), env=env, capture_output=True, text=True, timeout=120, check=False
    )


def good(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with what ``install-dev`` installs below ``usr``, the examples, and the model of the device."""
    folder = tmp_path_factory.mktemp("library")
    make = ("make", "-C", NATIVE, f"O={folder}", "CC=gcc", "CFLAGS=-O1 -Wall -Wextra -Werror")
    good(run(*make, f"DESTDIR={folder}", "fastqueue", "install-dev"))
    model = ("-shared", "-fPIC", f"-I{folder}/usr/include", HERE / "fake_device.c")
    good(run("gcc", "-Wall", "-Wextra", "-Werror", *model, "-o", folder / "fake_device.so"))
    return folder


def test_the_makefile_alone_builds_for_this_machine(tmp_path: Path) -> None:
    """As native/examples/README.md says, with no flags of the kit's, which builds for the target."""
    good(run("make", "-C", NATIVE, f"O={tmp_path}", "fastqueue", "check"))
    said = run(tmp_path / "examples/accept")
    assert said.stderr == "accept: the module is not loaded; load it: modprobe fastqueue\n"


def with_model(installed: Path, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    libraries = str(installed / "usr/lib")
    return run(*argv, LD_PRELOAD=str(installed / "fake_device.so"), LD_LIBRARY_PATH=libraries)


def test_the_smallest_handler(installed: Path) -> None:
    done = with_model(installed, installed / "examples/accept")
    assert done.returncode == -signal.SIGINT
    assert done.stderr == "accepted 40, dropped 0, invalid 0\n"


@pytest.mark.parametrize(("port", "dropped"), [("5001", 10), ("5002", 30), ("1", 0)])
def test_a_handler_that_looks_at_packets(installed: Path, port: str, dropped: int) -> None:
    done = with_model(installed, installed / "examples/drop-port", port)
    assert good(done) == f"dropped {dropped}\n"
    assert done.stderr == f"accepted {40 - dropped}, dropped {dropped}, invalid 0\n"


def test_the_reference_handler(installed: Path) -> None:
    done = with_model(installed, installed / "handlers/fq-null", "--drop")
    assert done.stdout.startswith("ready: queue 0, 2048 frames of 2048 bytes\n")
    assert done.stderr == "accepted 0, dropped 40, invalid 0\n"


@pytest.mark.parametrize("library", ["shared", "static"])
def test_a_program_built_with_pkg_config_exchanges_its_ring(installed: Path, library: str) -> None:
    static = ["--static"] if library == "static" else []
    path, root = installed / "usr/lib/pkgconfig", f"--define-variable=prefix={installed}/usr"
    words = good(
        run("pkg-config", root, "--cflags", "--libs", *static, "libfastqueue", PKG_CONFIG_PATH=str(path))
    )
    program = installed / f"resize-{library}"
    linking = ["-Wl,-Bstatic", *words.split(), "-Wl,-Bdynamic"] if static else words.split()
    good(run("gcc", "-Wall", "-Werror", HERE / "resize.c", *linking, "-o", program))
    needed = "libfastqueue.so.1" in run("objdump", "-p", program).stdout
    assert needed == (library == "shared")
    done = with_model(installed, program)
    assert good(done) == ""
    assert done.stderr == "accepted 1, dropped 39, invalid 0\n"


def test_the_shared_library_exports_what_the_header_has(installed: Path) -> None:
    header = (installed / "usr/include/fastqueue.h").read_text()
    declared = set(re.findall(r"\b(fq_[a-z_]+)\(", header.partition("struct fq_queue;")[2]))
    listed = run("nm", "-D", "--defined-only", installed / "usr/lib/libfastqueue.so").stdout
    exported = set(re.findall(r" T (fq_[a-z_]+)@@FASTQUEUE_0", listed))
    assert exported == {name for name in declared if f"{name}()" not in header or name in exported}
    assert {"fq_open", "fq_resize", "fq_wait", "fq_close"} <= exported


def test_examples_are_listed() -> None:
    listed = (NATIVE / "examples/README.md").read_text()
    for path in (NATIVE / "examples").iterdir():
        assert path.name == "README.md" or f"`{path.name}`" in listed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_shell_example_takes_its_rules_back(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log"
    log.touch()
    programs = {
        "modprobe": "",
        "nft": "[ $# -gt 2 ] || cat >>$LOG",  # -f -
        "python3": "trap 'echo ended >>$LOG; exit' TERM; cat $9 >>$LOG; while :; do sleep 0.05; done",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >>$LOG\n{text}\n')
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(log), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([NATIVE / "examples/block.sh", "7"], env=environment)
    try:
        end = time.monotonic() + 20
        while "\ndefault accept" not in log.read_text() and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(number)
        process.wait(20)
    finally:
        process.kill()
    text = log.read_text()
    assert "queue num 0 bypass" in text
    assert "drop proto udp dport 7\n" in text
    assert text.splitlines()[-2:] == ["ended", "nft delete table inet example"]
    assert not list(tmp_path.glob("tmp.*"))
