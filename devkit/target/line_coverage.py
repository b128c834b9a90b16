# SPDX-License-Identifier: MIT
"""Line coverage of the module by the tests: gcov's counters out of the target, and a table of them."""

from __future__ import annotations

import io
import json
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devkit.host import cache, run_command
from devkit.host.errors import KitError
from devkit.host.paths import OUT
from devkit.host.progress import say
from devkit.image.kernel import build_kernel
from devkit.image.kernel_flavour import COVERAGE
from devkit.image.kernel_module import SOURCE, build_module
from devkit.target.base import TargetCommands

COUNTERS = OUT / "coverage/counters"
REPORT = OUT / "coverage/unreached.txt"

_DEBUG = "/sys/kernel/debug"
_PLACE = "/run/coverage"
#: Files of debugfs have no size, so they are copied before they are packed.
_PACK = f"""
    mountpoint -q {_DEBUG} || mount -t debugfs debugfs {_DEBUG} 2>/dev/null
    [ -d {_DEBUG}/gcov ] || exit 0
    rm -rf {_PLACE}
    mkdir -p {_PLACE}
    for file in $(find {_DEBUG}/gcov -name '*.gcda' | grep /kmod/); do
        cat $file >{_PLACE}/${{file##*/}}
    done
    tar czf {_PLACE}.tar.gz -C {_PLACE} .
"""


#: Counters of an object of the module, and how large one, and all of them, may be (bytes).
_NAME = re.compile(r"[a-z0-9_]+\.gcda")
_LARGEST = 4 << 20
_MOST = 32 << 20
#: zlib's word for a gzip file with the largest window.
_GZIP = 31


@dataclass
class FileCoverage:
    """Lines of a source file that have code, each with how often it ran."""

    name: str
    counts: dict[int, int] = field(default_factory=dict)

    @property
    def reached(self) -> int:
        """Number of lines that ran."""
        return sum(count > 0 for count in self.counts.values())

    @property
    def missed(self) -> list[int]:
        """Numbers of the lines that never ran."""
        return sorted(line for line, count in self.counts.items() if not count)


def collect(target: TargetCommands, into: Path = COUNTERS) -> bool:
    """Store the counters of ``target`` in ``into``; False if its kernel counts nothing.

    The counters of a module that was taken out are kept by the kernel and belong to the next one.
    """
    target.run(_PACK, timeout=120)
    if target.run(["test", "-e", f"{_PLACE}.tar.gz"], check=False).status:
        return False
    unpack(target.get(f"{_PLACE}.tar.gz"), into)
    return True


def unpack(packed: bytes, into: Path = COUNTERS) -> None:
    """Store the counters of an archive in ``into``, by the last part of their names, and nothing else.

    The archive comes from a target and may hold anything. Raises KitError FQ-COVERAGE if it is damaged or
    has more than _MOST bytes.
    """
    into.mkdir(parents=True, exist_ok=True)
    left = _MOST
    try:
        with tarfile.open(fileobj=io.BytesIO(_decompressed(packed)), mode="r:") as archive:
            for member in archive:
                name = Path(member.name).name
                if not _NAME.fullmatch(name) or not member.isreg() or member.issparse():
                    continue
                left -= member.size
                if member.size > _LARGEST or left < 0:
                    raise ValueError(f"{name} has {member.size} bytes")
                if content := archive.extractfile(member):  # none of what is not a file
                    with content, (into / name).open("wb") as file:
                        shutil.copyfileobj(content, file)
    except (tarfile.TarError, zlib.error, ValueError) as error:
        what = f"the target's archive of counters cannot be used: {error}"
        raise KitError(
            "FQ-COVERAGE", what, "run the tests again; the archive is made in the target"
        ) from error


def _decompressed(packed: bytes) -> bytes:
    """Return the contents of a gzip file; ValueError if they have more than _MOST bytes or are cut off.

    All of it at once, before tarfile reads it, which keeps headers of any length.
    """
    stream = zlib.decompressobj(wbits=_GZIP)
    content = stream.decompress(packed, _MOST)
    if not stream.eof:
        raise ValueError(f"it has more than {_MOST} bytes, or its end is missing")
    return content


def forget(counters: Path = COUNTERS) -> None:
    """Remove the counters of an earlier run."""
    cache.remove_tree(counters)


def measure(counters: Path = COUNTERS) -> list[FileCoverage]:
    """Return the coverage of each file of kmod/ by the counters that collect() stored.

    Raises KitError FQ-COVERAGE if there are none.
    """
    found = sorted(path for path in counters.glob("*.gcda") if _NAME.fullmatch(path.name))
    if not found:
        raise KitError("FQ-COVERAGE", "no counters were collected", "./inv test --coverage runs the tests")
    notes = build_module(build_kernel(COVERAGE)) / "gcov"
    for path in found:
        note = notes / path.with_suffix(".gcno").name
        if not note.exists():
            what = f"{path.name} does not belong to a file of the module"
            raise KitError("FQ-COVERAGE", what, f"rm -r {counters}; ./inv test --coverage")
        shutil.copy2(note, counters)
    argv = [
        run_command.need("gcov", "gcc"),
        "--json-format",
        "--stdout",
        *(f"./{path.name}" for path in found),
    ]
    return merged(json.loads(line) for line in run_command.run(argv, cwd=counters).splitlines() if line)


def merged(documents: Iterable[Mapping[str, object]]) -> list[FileCoverage]:
    """Return the coverage of kmod's own files in gcov's documents, one for each object.

    A line of a header counts as reached if any object that includes it has run it.
    """
    files: dict[str, FileCoverage] = {}
    for document in documents:
        for each in document["files"]:  # type: ignore[attr-defined]
            path = Path(each["file"])
            if path.parent.name != SOURCE.name:
                continue
            counts = files.setdefault(path.name, FileCoverage(path.name)).counts
            for line in each["lines"]:
                number = line["line_number"]
                counts[number] = counts.get(number, 0) + line["count"]
    return sorted(files.values(), key=lambda one: one.name)


def show(files: list[FileCoverage], report: Path = REPORT) -> None:
    """Print a line for each file, and write the lines that were not reached to ``report``."""
    total, reached = sum(len(one.counts) for one in files), sum(one.reached for one in files)
    for one in files:
        share = 100 * one.reached / max(1, len(one.counts))
        say(f"  {one.name:14} {one.reached:5} of {len(one.counts):5} lines  {share:5.1f} %")
    say(f"✓ coverage of kmod/: {reached} of {total} lines, {100 * reached / max(1, total):.1f} %")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("".join(_unreached(one) for one in files))
    say(f"  lines that were not reached: {report}")


def _unreached(one: FileCoverage) -> str:
    source = (SOURCE / one.name).read_text().splitlines()
    return "".join(f"{one.name}:{number}: {source[number - 1].strip()}\n" for number in one.missed)
