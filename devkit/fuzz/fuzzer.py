# SPDX-License-Identifier: MIT
"""Running abi-fuzz in a target: a quick replay of the corpus, or rounds of fuzzing."""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass
from pathlib import Path

from devkit.fuzz.kcov_blocks import Blocks
from devkit.fuzz.program import CORPUS, Summary, last_sequences, program
from devkit.host import atomic_file
from devkit.host.errors import KitError
from devkit.host.paths import OUT
from devkit.host.progress import say
from devkit.host.terminal_text import printable
from devkit.image.base_choice import ImageOptions
from devkit.image.image import build_image
from devkit.lab.client import Lab
from devkit.target import kernel_modules
from devkit.target.base import understood
from devkit.target.qemu import Target

#: The kernel that has KASAN, lockdep and kcov.
KERNEL = "kasan"
FAILURE = OUT / "fuzz/failure.txt"
UNREACHED = OUT / "fuzz/unreached.txt"

_PLACE = "/run/abi-fuzz"
_CORPUS = "/run/abi-fuzz.txt"
_ROUND = 120  # s: the corpus is fetched after each, and abi-fuzz's output is kept no longer
_REDUCE_TIME = 7200.0  # s
_SLACK = 900.0  # s that a round may take beyond that: it begins with the corpus
_LARGEST_FILE = 4 << 20  # bytes: the corpus, and the blocks that it reached
_TAIL = 64 << 10  # bytes of output: a few dozen sequences


@dataclass
class _Tail:
    """The end of a program's output, also of one that takes the target with it."""

    data: bytes = b""

    def __call__(self, more: bytes) -> None:
        self.data = (self.data + more)[-_TAIL:]

    @property
    def text(self) -> str:
        return self.data.decode(errors="replace")


def install(target: Target, corpus: bytes) -> None:
    """Put abi-fuzz and a corpus into ``target``, and have it use Fast Queue."""
    kernel_modules.load_only(target, kernel_modules.FASTQUEUE)
    target.run("echo 5 >/proc/sys/kernel/printk")  # each network that is made has a dozen lines to say
    # a debug kernel on a busy host takes few kB in a second
    target.put(gzip.compress(program().read_bytes()), f"{_PLACE}.gz")
    target.run(f"gunzip -f {_PLACE}.gz && chmod 755 {_PLACE}")
    target.put(corpus, _CORPUS)


def replay(target: Target, *, timeout: float = 600.0) -> str:
    """Run each sequence of the installed corpus once; return abi-fuzz's output.

    Raises KitError FQ-FUZZ, with the sequence, if the kernel complains or a rule of the ABI is broken.
    """
    return _run(target, ["replay", _CORPUS], timeout)


@dataclass(frozen=True)
class FuzzRequest:
    """What to fuzz with.

    seconds: how long to look for new sequences; seed: of the random numbers, 0: the time;
    reduce: shorten the corpus at the end; kernel: flavour of the target's kernel.
    """

    seconds: int
    seed: int = 0
    reduce: bool = False
    kernel: str = KERNEL


def fuzz(request: FuzzRequest) -> Summary:
    """Fuzz in a target of its own, and write what is new to the corpus in the tree.

    Returns the last round's counts, with the runs of all.
    Raises KitError FQ-FUZZ as replay() does; the last sequences are then in out/fuzz/failure.txt.
    """
    image = build_image(ImageOptions(), request.kernel, folder=f"image-{request.kernel}")
    seed = request.seed or int(time.time())
    say(f"fuzzing for {request.seconds} s, seed {seed}")
    with Lab.start() as lab, Target.boot(image, lab=lab) as target:
        install(target, CORPUS.read_bytes() if CORPUS.exists() else b"")
        summary = _rounds(target, request.seconds, seed)
        if request.reduce:
            say("  reducing the corpus")
            summary = _summary(_run(target, ["reduce", _CORPUS], _REDUCE_TIME))
            _store_corpus(target)
        say(f"✓ {summary.corpus} sequences kept; {_show(Blocks.read(image.module), reached(target))}")
        return summary


def reached(target: Target) -> set[int]:
    """Return the blocks that the installed corpus has reached, as offsets in the module."""
    blocks = target.get(f"{_CORPUS}.blocks", _LARGEST_FILE)
    with understood("the blocks that it reached"):
        return {int(line, 16) for line in blocks.split()}


def _show(blocks: Blocks, reached: set[int]) -> str:
    """Store which functions have blocks that were not reached, and return the counts."""
    lines = [f"{name}: {hit} of {total}\n" for name, hit, total in blocks.by_function(reached) if hit < total]
    _store(UNREACHED, "".join(lines))
    found = len(reached & blocks.offsets)
    return f"{found} of {len(blocks.offsets)} blocks of the module reached; the others: {UNREACHED}"


def _rounds(target: Target, seconds: int, seed: int) -> Summary:
    until = time.monotonic() + seconds
    runs, number = 0, 0
    while True:
        left = max(1, int(until - time.monotonic()))
        output = _run(target, ["fuzz", _CORPUS, str(min(_ROUND, left)), str(seed + number)], _ROUND + _SLACK)
        summary = _summary(output)
        runs, number = runs + summary.runs, number + 1
        _store_corpus(target)
        say(
            f"  round {number}: {runs} sequences run, {summary.corpus} kept, {summary.edges} edges, "
            f"{summary.blocks} blocks of the module"
        )
        if time.monotonic() >= until:
            return Summary(runs, summary.corpus, summary.edges, summary.blocks)


def _summary(output: str) -> Summary:
    with understood("abi-fuzz", output):
        return Summary.parse(output)


def _store_corpus(target: Target) -> None:
    """Store the target's corpus in the tree, if it is a text of sane size."""
    corpus = target.get(_CORPUS, _LARGEST_FILE)
    with understood("its corpus"):
        if printable(text := corpus.decode("ascii")) != text:
            raise ValueError("it has control characters")
    atomic_file.write_bytes(CORPUS, corpus)


def _run(target: Target, arguments: list[str], timeout: float) -> str:
    mark = target.log.mark()
    tail = _Tail()
    try:
        done = target.run([_PLACE, *arguments], timeout=timeout, check=False, sink=tail)
    except KitError as error:
        raise _failure(tail.text, error.what, target.log.path) from error
    complaints = target.log.complaints(mark)
    if done.status or complaints:
        found = [line for line in tail.text.splitlines() if line.startswith("fault ")]
        what = (*found, *complaints, f"abi-fuzz ended with status {done.status}")[0].removeprefix("fault ")
        raise _failure(tail.text, what, target.log.path)
    return done.output


def _failure(output: str, what: str, log: Path) -> KitError:
    """Return the error with the sequence that was running, the last one of ``output``."""
    _store(FAILURE, last_sequences(output, 50))
    lines = last_sequences(output, 1).splitlines()
    remedy = f"read the kernel's log; the sequences before it are in {FAILURE}"
    return KitError("FQ-FUZZ", f"fuzzing found a fault: {what}", remedy, log=log, lines=lines)


def _store(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
