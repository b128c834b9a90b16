# SPDX-License-Identifier: MIT
"""What abi-fuzz prints, and the text of its sequences."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from devkit.fuzz import program
from devkit.fuzz.kcov_blocks import Blocks
from devkit.fuzz.program import Summary, last_sequences
from devkit.host import run_command
from devkit.image import native_programs

OUTPUT = """run 1
open
alloc frames=16

run 2
open
kick fd=1 async

fault [ 7.1] BUG: KASAN: use-after-free
"""


def test_the_summary_is_the_last_line_that_has_one() -> None:
    text = 'run 1\n{"runs": 1, "corpus": 0, "edges": 0, "blocks": 0}\n'
    more = '{"runs": 9, "corpus": 3, "edges": 70, "blocks": 50}\n'
    assert Summary.parse(text + more) == Summary(9, 3, 70, 50)
    with pytest.raises(ValueError, match="no summary"):
        Summary.parse(OUTPUT)


def test_the_last_sequences_can_be_replayed() -> None:
    assert last_sequences(OUTPUT, 1) == (
        "# run 2\nopen\nkick fd=1 async\n\n# fault [ 7.1] BUG: KASAN: use-after-free\n"
    )
    assert last_sequences(OUTPUT, 9).startswith("# run 1\nopen\nalloc frames=16\n")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that reads sequences and writes them again, made of abi-fuzz's own text and table."""
    place = tmp_path_factory.mktemp("fuzz")
    main = place / "main.c"
    main.write_text(
        '#include "sequence.h"\n'
        "int main(void)\n{\n\tstruct sequence s;\n\tint more;\n"
        "\twhile ((more = sequence_read(stdin, &s)) > 0)\n\t\tsequence_write(stdout, &s);\n"
        "\treturn more < 0;\n}\n"
    )
    # the calls are not made: their functions need not be there
    sources = [main, program.SOURCE / "sequence.c", program.SOURCE / "calls.c"]
    words = [
        "-Wl,--unresolved-symbols=ignore-all",
        "-no-pie",
        f"-I{program.SOURCE}",
        f"-I{native_programs.UAPI}",
    ]
    run_command.run(["gcc", *words, *sources, "-o", place / "written"])
    return place / "written"


def _write(program: Path, text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program], input=text, capture_output=True, text=True, check=False)


def test_the_corpus_is_text_that_reads_as_it_is_written(written: Path) -> None:
    text = program.CORPUS.read_text()
    body = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    done = _write(written, text)
    assert not done.returncode, done.stderr
    assert done.stdout.strip() == body.strip()
    assert done.stdout.count("\n\n") > 30


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jump fd=0\n", "no such call: jump"),
        ("kick queue=1\n", "no such argument: queue"),
        ("kick fd=x\n", "not a number of 32 bits: x"),
        ("kick fd=0x100000000\n", "not a number of 32 bits"),
        ("kick fd\n", "argument=value expected: fd"),
        ("kick\n" * 33, "too many calls"),
    ],
)
def test_wrong_text_is_refused(written: Path, text: str, said: str) -> None:
    done = _write(written, text)
    assert done.returncode
    assert said in done.stderr


def test_blocks_are_counted_by_function(tmp_path: Path) -> None:
    source, built = tmp_path / "two.c", tmp_path / "two.o"
    source.write_text(
        "int f(int a)\n{\n\treturn a;\n}\nint g(int a)\n{\n\tif (a)\n\t\tf(1);\n\treturn f(a);\n}\n"
    )
    run_command.run(["gcc", "-O0", "-c", "-fsanitize-coverage=trace-pc", source, "-o", built])
    blocks = Blocks.read(built)
    (f, reached, of_f), (g, _, of_g) = blocks.by_function({min(blocks.offsets)})
    assert (f, reached, g) == ("f", 1, "g")
    assert of_g > of_f >= 1
    assert len(blocks.offsets) == of_f + of_g
