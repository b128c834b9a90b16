# SPDX-License-Identifier: MIT
"""The C code's fuzz targets hold, under sanitizers: corpora and changes of them; docs/fuzzing.md."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests import fuzzing

from . import sanitized
from .fuzz import targets
from .fuzz.__main__ import reduced
from .fuzz.targets import TARGETS, Target


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where programs are built."""
    return tmp_path_factory.mktemp("fuzz")


@fuzzing.long_enough
@pytest.mark.parametrize("name", TARGETS)
def test_targets_hold(name: str, folder: Path) -> None:
    target = TARGETS[name]
    done = targets.run(
        target.build(folder),
        targets.CORPORA / name,
        number=target.number,
        seconds=fuzzing.SECONDS,
        seed=fuzzing.SEED,
    )
    assert done.count >= target.number
    print(f"{name}: {done.output.rstrip()}, seed {fuzzing.SEED}")


def test_every_target_is_run() -> None:
    entries = {
        path.stem for path in targets.HERE.glob("*.c") if "LLVMFuzzerTestOneInput(const" in path.read_text()
    }
    assert entries == TARGETS.keys() | {"faulty_target"}


@pytest.fixture(scope="module", params=[False, True], ids=["host", "i686"])
def faulty(request: pytest.FixtureRequest, folder: Path) -> Path:
    return Target("faulty_target", 0, (), i686=request.param).build(folder)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (b"FAULT", "heap-buffer-overflow"),
        (b"FAULS", "shift exponent 40 is too large"),
        (b"FAULL", "detected memory leaks"),
        (b"FAULC", "does not hold: size == 7"),
    ],
)
def test_faults_are_noticed(faulty: Path, tmp_path: Path, word: bytes, said: str) -> None:
    (tmp_path / "input").write_bytes(word)
    done = targets.run(faulty, tmp_path, number=1)
    assert done.status != 0
    assert said in done.output
    assert done.last == word
    with pytest.raises(AssertionError, match=word.hex()):
        _ = done.count


def test_an_input_that_never_ends_is_noticed(
    faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sanitized.ENVIRONMENT, "FASTQUEUE_FUZZ_INPUT_SECONDS", "1")
    (tmp_path / "input").write_bytes(b"ENDLESS")
    done = targets.run(faulty, tmp_path, number=1)
    assert done.status == -signal.SIGALRM
    assert done.last == b"ENDLESS"


def test_nothing_is_said_of_what_is_right(faulty: Path, tmp_path: Path) -> None:
    for number, word in enumerate((b"FAULCxx", b"FAUL", b"")):
        (tmp_path / str(number)).write_bytes(word)
    assert targets.run(faulty, tmp_path, number=3).count == 3


def test_inputs_are_guided_by_what_they_reach(faulty: Path, tmp_path: Path) -> None:
    """By chance alone it would take 2 ** 40 inputs."""
    done = targets.run(faulty, tmp_path, number=3_000_000, seed=1)
    assert done.status != 0
    assert done.last.startswith(b"FAUL")
    assert done.last[4:5] in {b"T", b"S", b"L", b"C"}


def test_a_corpus_is_the_fewest_short_inputs(faulty: Path, tmp_path: Path) -> None:
    corpus, found = tmp_path / "corpus", tmp_path / "found"
    for folder, name, content in (
        (corpus, "000", b"FAUL, and more"),
        (corpus, "a_fault", b"FA123"),
        (found, "00001234", b"FA567"),
        (found, "00001235", b"FAUL, short"),
        (found, "00001236", b"x"),
        (found, "00001237", b"FAULx" + bytes(2000)),
    ):
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    assert reduced(faulty, corpus.iterdir(), found.iterdir(), tmp_path) == [b"x", b"FAUL, short"]
