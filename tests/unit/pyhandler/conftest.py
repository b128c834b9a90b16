# SPDX-License-Identifier: MIT
"""Import the package from its sources, and run every test with both implementations."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parents[3] / "pyhandler/src"))

from fastqueue import backend

from .extension import build, load

#: Names an extension that is built already, in a special way: see test_sanitizers.py.
BUILT = "FASTQUEUE_TEST_EXTENSION"

#: Few examples of each property where each takes long.
settings.register_profile("few", max_examples=20)
if BUILT in os.environ:
    settings.load_profile("few")


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C extension, built for this machine."""
    built = os.environ.get(BUILT)
    return Path(built) if built else build(tmp_path_factory.mktemp("extension"))


@pytest.fixture(scope="session")
def accelerated(extension: Path) -> backend.Implementation:
    """The implementation in C, in this process."""
    return load(extension)


@pytest.fixture(autouse=True, params=["c"] if BUILT in os.environ else ["python", "c"])
def implemented(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have queues opened by the test use one of the implementations; its name."""
    in_c = request.param == "c"
    wanted = request.getfixturevalue("accelerated") if in_c else backend.PLAIN
    monkeypatch.setattr(backend, "current", wanted)
    return wanted.name
