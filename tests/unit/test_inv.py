# SPDX-License-Identifier: MIT
"""The bootstrap on machines that are not as they should be; no package is installed here."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from devkit.host import run_command
from devkit.host.paths import PROJECT

DEBIAN = "ID=debian\nVERSION_ID=12\n"


class Machine:
    """A copy of the bootstrap with programs of its own in front of the system's."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.bin = folder / "bin"
        (self.project / "devkit/host").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy2(PROJECT / "inv", self.project)
        (self.project / "devkit/host/packages.txt").write_text("# list\nfirst  -  x\nsecond  tool  y\n")
        (self.project / "pyproject.toml").write_text("[project]\n")
        (self.project / "requirements.txt").write_text("thing==1 --hash=sha256:0\n")
        self.os_release = folder / "os-release"
        self.os_release.write_text(DEBIAN)
        self.calls = folder / "calls"
        self.calls.touch()

    def program(self, name: str, body: str) -> None:
        """Put a program on PATH that notes its call and does ``body``."""
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.calls}\n{body}\n')
        path.chmod(0o755)

    def installed(self, *names: str) -> None:
        """Have dpkg-query know just these packages."""
        lines = "\n".join(f"installed {name}" for name in names)
        self.program("dpkg-query", f"cat <<'END'\n{lines}\nEND\nexit 1")

    def ready(self) -> None:
        """Have a Python environment whose interpreter shows the arguments for the tasks."""
        python = self.project / ".venv/bin/python"
        python.parent.mkdir(parents=True)
        python.write_text(
            f'#!/bin/sh\n[ "$3" = devkit.commands.cli ] || {{ echo "python $*" >>{self.calls}; exit 0; }}\n'
            '[ "$1" = -P ] || exit 1\nshift 5\nfor word; do printf "[%s]" "$word"; done\n'
        )
        python.chmod(0o755)
        hashed = subprocess.run(
            ["sha256sum"],
            input=b"".join(
                (self.project / name).read_bytes() for name in ("pyproject.toml", "requirements.txt")
            ),
            capture_output=True,
            check=True,
        )
        (self.project / ".venv/.made").write_text(f"{self.project}\n{hashed.stdout.decode()}")

    def inv(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run it, with ``more`` in its environment."""
        environment = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": os.environ.get("HOME", "/"),
            "FASTQUEUE_OS_RELEASE": str(self.os_release),
            "FASTQUEUE_PYTHON": str(self.bin / "python3"),
            **more,
        }
        return subprocess.run(
            [self.project / "inv", *words], env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.program("apt-get", "exit 100")
    made.program("id", "echo 0")
    return made


def test_arguments_reach_invoke_as_they_are(machine: Machine) -> None:
    machine.installed("first", "second")
    machine.ready()
    done = machine.inv("run", "--", "echo  a b", "")
    assert (done.returncode, done.stdout) == (0, "[run][--][echo  a b][]")
    assert "apt-get" not in machine.calls.read_text()


def test_without_arguments_it_lists_the_tasks(machine: Machine) -> None:
    machine.installed("first", "second")
    machine.ready()
    assert machine.inv().stdout == "[--list]"


@pytest.mark.parametrize("content", ["ID=fedora\nVERSION_ID=41\n", "ID=debian\nVERSION_ID=13\n", None])
def test_other_distributions_are_told_what_is_needed(machine: Machine, content: str | None) -> None:
    if content is None:
        machine.os_release.unlink()
    else:
        machine.os_release.write_text(content)
    done = machine.inv("build")
    assert done.returncode == 64
    assert "FQ-DISTRIBUTION" in done.stderr
    assert "first second" in done.stderr
    assert machine.calls.read_text() == ""


def test_missing_packages_are_named_before_anything_is_done(machine: Machine) -> None:
    machine.installed("first")
    done = machine.inv("build")
    assert done.returncode == 65
    assert done.stderr.startswith("Debian packages that are missing: second\n")
    assert "FQ-PACKAGES" in done.stderr
    assert "apt-get install --no-install-recommends second" in done.stderr
    assert "apt-get -q -y install --no-install-recommends --no-remove second" in machine.calls.read_text()


def test_a_user_without_sudo_gets_the_list(machine: Machine) -> None:
    machine.installed("first")
    machine.program("id", "echo 1000")
    if shutil.which("sudo", path="/usr/bin:/bin"):
        machine.program("sudo", "exit 1")
    done = machine.inv("build")
    assert done.returncode == 65
    assert "apt-get install --no-install-recommends second" in done.stderr


def test_a_user_with_sudo_installs_through_it(machine: Machine) -> None:
    machine.installed("first")
    machine.program("id", "echo 1000")
    machine.program("sudo", "exit 0")
    machine.ready()
    done = machine.inv("build")
    assert done.returncode == 0
    assert "sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y update" in machine.calls.read_text()


def test_multilib_is_refused_before_apt_would_remove_it(machine: Machine) -> None:
    (machine.project / "devkit/host/packages.txt").write_text("gcc-i686-linux-gnu  -  x\n")
    machine.program("dpkg-query", 'case "$*" in *gcc-multilib) echo installed;; esac')
    done = machine.inv("build")
    assert done.returncode == 65
    assert "FQ-MULTILIB" in done.stderr
    assert "apt-get -q" not in machine.calls.read_text()


_PYTHON = """
[ "$1:$PYTHONSAFEPATH:${PYTHONPATH-none}" = -P:1:none ] || exit 1
case "$3" in
venv) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
pip) exit @pip@ ;;
*) echo "new environment" ;;
esac
"""


@pytest.mark.parametrize("change", ["half made", "none there", "moved"])
def test_environment_is_made_again_where_it_does_not_fit(machine: Machine, change: str) -> None:
    machine.installed("first", "second")
    machine.program("python3", _PYTHON.replace("@pip@", "0"))
    machine.ready()
    match change:
        case "half made":
            (machine.project / ".venv/.made").unlink()
        case "none there":
            shutil.rmtree(machine.project / ".venv")
        case "moved":
            machine.project = machine.project.rename(machine.project.with_name("moved"))
    assert machine.inv("build").stdout == "new environment\n"
    asked = [line for line in machine.calls.read_text().splitlines() if " -m pip install " in line]
    assert f"--require-hashes --only-binary :all: -r {machine.project}/requirements.txt" in asked[0]
    assert f"--no-deps --no-index --no-build-isolation -e {machine.project}" in asked[1]
    assert len(asked) == 2
    machine.calls.write_text("")
    assert machine.inv("build").stdout == "new environment\n"
    assert "-m pip" not in machine.calls.read_text()


def test_environment_that_cannot_be_made(machine: Machine) -> None:
    machine.installed("first", "second")
    machine.program("python3", _PYTHON.replace("@pip@", "1"))
    done = machine.inv("build")
    assert done.returncode == 66
    assert "FQ-VENV" in done.stderr
    assert not (machine.project / ".venv/.made").exists()


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.txt"])
def test_finished_environment_is_updated_in_place(machine: Machine, name: str) -> None:
    machine.installed("first", "second")
    machine.ready()
    (machine.project / name).write_text("# other\n")
    done = machine.inv("build")
    assert done.stdout == "[build]"
    assert "Updating the Python environment" in done.stderr
    assert machine.inv("build").stderr == ""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    path.touch(mode=0o600)
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_another_inv_is_not_waited_for_without_a_word_or_for_ever(machine: Machine) -> None:
    machine.installed("first", "second")
    machine.program("python3", _PYTHON.replace("@pip@", "0"))
    lock = machine.project / ".venv.lock"
    with locked(lock):
        done = machine.inv("build", FASTQUEUE_PATIENCE="1")
    assert (done.returncode, done.stdout) == (66, "")
    assert "waiting" in done.stderr
    assert "FQ-BUSY" in done.stderr
    assert "FQ-VENV" not in done.stderr
    assert not (machine.project / ".venv").exists()
    assert machine.inv("build").stdout == "new environment\n"


def test_no_file_that_others_can_open_is_its_lock(machine: Machine) -> None:
    machine.installed("first", "second")
    machine.program("python3", _PYTHON.replace("@pip@", "0"))
    with ExitStack() as stack:
        for path in [path for path in machine.project.rglob("*") if path.is_file()]:
            stack.enter_context(locked(path))
        done = machine.inv("build", FASTQUEUE_PATIENCE="1")
    assert done.stdout == "new environment\n", done.stderr
    assert (machine.project / ".venv.lock").stat().st_mode & 0o777 == 0o600


def test_a_lock_that_others_could_open_is_theirs_no_more(machine: Machine) -> None:
    machine.installed("first", "second")
    machine.program("python3", _PYTHON.replace("@pip@", "0"))
    lock = machine.project / ".venv.lock"
    lock.touch()
    lock.chmod(0o644)
    assert machine.inv("build").returncode == 0
    assert lock.stat().st_mode & 0o777 == 0o600


def test_programs_come_from_absolute_folders_of_path_only(machine: Machine, tmp_path: Path) -> None:
    machine.installed("first", "second")
    machine.ready()
    here = tmp_path / "here"
    here.mkdir()
    for name in ("readlink", "dpkg-query", "sed", "sha256sum"):
        (here / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/run\n")
        (here / name).chmod(0o755)
    path = f":.:here:{machine.bin}:/usr/bin:/bin:"
    words = [str(machine.project / "inv"), "build"]
    environment = {"PATH": path, "FASTQUEUE_OS_RELEASE": str(machine.os_release)}
    done = subprocess.run(words, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[build]"), done.stderr
    assert not (tmp_path / "run").exists()


def test_no_module_comes_from_the_working_directory(tmp_path: Path) -> None:
    """The kit itself, in a folder that has all the names that it loads."""
    names = ["devkit", "invoke", "rich", "pip", "json", "tasks", "sitecustomize", "qemu"]
    for name in names:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'loaded')!r}, 'a').write({name!r})\n")
    environment = {**os.environ, "PYTHONPATH": ".:"}
    argv = [str(PROJECT / "inv"), "status"]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "loaded").exists()


def test_every_python_of_the_kit_leaves_the_working_directory_out() -> None:
    """command.python() is the one place that names the interpreter."""
    found = [
        path.name
        for path in (PROJECT / "devkit").rglob("*.py")
        if "sys.executable" in path.read_text() and path.name != "run_command.py"
    ]
    assert not found
    assert run_command.python("-m", "this")[1:] == ["-P", "-m", "this"]


def test_matplotlib_reads_no_settings_of_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 17\n")
    for module in (
        "devkit.measure.throughput_figure",
        "devkit.bench.report.figures.cost",
        "devkit.bench.report.figures.style",
    ):
        program = f"import {module}, matplotlib; print(matplotlib.rcParams['lines.linewidth'])"
        argv = run_command.python("-c", program)
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout == "1.5\n", module


@pytest.mark.parametrize(("before", "after"), [(0o000, 0o022), (0o002, 0o022), (0o077, 0o077)])
def test_no_other_user_may_write_to_what_it_makes(machine: Machine, before: int, after: int) -> None:
    machine.installed("first", "second")
    machine.ready()
    python = machine.project / ".venv/bin/python"
    python.write_text("#!/bin/sh\numask\n")
    kept = os.umask(before)
    try:
        assert int(machine.inv("build").stdout, 8) == after
    finally:
        os.umask(kept)
