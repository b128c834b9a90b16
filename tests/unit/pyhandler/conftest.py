# SPDX-License-Identifier: MIT
"""Import the package from its sources, and run every test with both implementations."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

PYHANDLER = Path(__file__).parents[3] / "pyhandler"
sys.path.insert(0, str(PYHANDLER / "src"))

from fastqueue import implementation  # noqa: E402


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C extension, built for this machine as an installation builds it, with every warning an error."""
    folder = tmp_path_factory.mktemp("extension")
    argv = [sys.executable, "setup.py", "-q", "build_ext", "--force"]
    argv += [f"--build-lib={folder}", f"--build-temp={folder}"]
    flags = "-O1 -Wall -Wextra -Werror -Wno-missing-field-initializers"
    done = subprocess.run(
        argv, cwd=PYHANDLER, env={**os.environ, "CFLAGS": flags}, capture_output=True, text=True, check=False
    )
    (built, *_) = [*folder.rglob("_ring.*.so"), None]
    assert built is not None, done.stdout + done.stderr
    return built


@pytest.fixture(scope="session")
def accelerated(extension: Path) -> implementation.Implementation:
    """The implementation in C, in this process."""
    spec = importlib.util.spec_from_file_location("fastqueue._ring", extension)
    assert spec is not None
    assert spec.loader is not None
    sys.modules["fastqueue._ring"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return implementation.accelerated()


@pytest.fixture(autouse=True, params=["python", "c"])
def implemented(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have queues opened by the test use one of the implementations; its name."""
    in_c = request.param == "c"
    wanted = request.getfixturevalue("accelerated") if in_c else implementation.PLAIN
    monkeypatch.setattr(implementation, "current", wanted)
    return wanted.name
