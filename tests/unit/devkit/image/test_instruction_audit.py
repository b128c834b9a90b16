# SPDX-License-Identifier: MIT
"""Instructions that a Pentium III lacks, in programs compiled for the test."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from devkit.host.errors import KitError
from devkit.image import instruction_audit

HANDLER = """
#include <stddef.h>
static double total;
double add(const double *values, size_t count);
double add(const double *values, size_t count)
{
	for (size_t at = 0; at < count; at++)
		total += values[at] * 1.5;
	return total;
}
"""

ASSEMBLY = """
	.text
	.globl work
	.type work, @function
work:
	{instruction}
	ret
	.size work, .-work
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def built(folder: Path, source: str, suffix: str, *options: str) -> Path:
    path = folder / f"source{suffix}"
    path.write_text(source)
    made = folder / "_rules.cpython-311-i386-linux-gnu.so"
    link = ["-shared", "-nostdlib", "-fPIC", "-O2", "-o", str(made), str(path)]
    subprocess.run(["i686-linux-gnu-gcc", *options, *link], check=True)
    return made


def test_a_handler_with_sse2_is_caught_and_named(tmp_path: Path) -> None:
    handler = built(tmp_path, HANDLER, ".c", "-march=pentium4", "-msse2", "-mfpmath=sse")
    with pytest.raises(KitError) as caught:
        instruction_audit.check([("usr/lib/python3/dist-packages/_rules.so", handler)])
    assert caught.value.code == "FQ-ISA"
    first = caught.value.lines[0]
    assert first.startswith("usr/lib/python3/dist-packages/_rules.so: add at 0x")
    assert "sse2" in first


def test_the_same_handler_for_a_pentium_iii_passes(tmp_path: Path) -> None:
    instruction_audit.check([("handler.so", built(tmp_path, HANDLER, ".c", "-march=pentium3"))])


@pytest.mark.parametrize(
    "instruction",
    [
        "paddb %xmm0, %xmm1", "paddq %mm0, %mm1", "movdqa %xmm0, %xmm1", "movnti %eax, (%ebx)", "mfence",
        "lfence", "clflush (%eax)", "fisttpl (%eax)", "addsubps %xmm0, %xmm1", "pshufb %mm0, %mm1",
        "popcnt %eax, %ebx", "lzcnt %eax, %ebx", "crc32b %al, %ebx", "vaddps %ymm0, %ymm1, %ymm2",
        "aesenc %xmm0, %xmm1", "movbe (%eax), %ebx", "rdrand %eax", "andn %eax, %ebx, %ecx", "femms",
        "pmuludq %mm0, %mm1", "pshufd $1, %xmm0, %xmm1", "cvtps2dq %xmm0, %xmm1", "pmaxsd %xmm0, %xmm1",
    ],
)  # fmt: skip
def test_later_instructions(instruction: str, tmp_path: Path) -> None:
    found = instruction_audit.scan(built(tmp_path, ASSEMBLY.format(instruction=instruction), ".s"))
    assert [(one.symbol, one.text.split()[0]) for one in found] == [("work", found[0].text.split()[0])]


@pytest.mark.parametrize(
    "instruction",
    [
        "cmovne %eax, %ebx", "paddb %mm0, %mm1", "addps %xmm0, %xmm1", "pshufw $1, %mm0, %mm1", "sfence",
        "prefetcht0 (%eax)", "pause", "rep bsf %eax, %ebx", "fcomi %st(1), %st", "nopw 0(%eax,%eax)",
        "endbr32", "movntq %mm0, (%eax)", "pmulhuw %mm0, %mm1", "fxsave (%eax)", "rdtsc", "sysenter",
        "cmpxchg8b (%eax)", "bswap %eax", "ud2",
    ],
)  # fmt: skip
def test_what_a_pentium_iii_has(instruction: str, tmp_path: Path) -> None:
    assert instruction_audit.scan(built(tmp_path, ASSEMBLY.format(instruction=instruction), ".s")) == []


def test_code_behind_a_table_is_found(tmp_path: Path) -> None:
    table = ".byte 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b\n\t" + "nop\n\t" * 16 + "pxor %xmm0, %xmm0"
    found = instruction_audit.scan(built(tmp_path, ASSEMBLY.format(instruction=table), ".s"))
    assert [one.text for one in found] == ["pxor xmm0, xmm0"]


def test_known_files_and_others_than_programs_are_left_out(tmp_path: Path) -> None:
    handler = built(tmp_path, ASSEMBLY.format(instruction="mfence"), ".s")
    text = tmp_path / "text"
    text.write_text("mfence")
    link = tmp_path / "link"
    link.symlink_to(handler)
    instruction_audit.check([("etc/text", text), ("usr/lib/link.so", link)])
    instruction_audit.check([("usr/lib/x.so", handler)], [instruction_audit.Known("*/x.so", "asks first")])
    instruction_audit.check(
        [("usr/lib/y.so", handler)], [instruction_audit.Known("*/y.so:work", "asks first")]
    )
    for pattern in ("*/x.so", "*/y.so:rest"):
        with pytest.raises(KitError):
            instruction_audit.check(
                [("usr/lib/y.so", handler)], [instruction_audit.Known(pattern, "asks first")]
            )


def test_a_reason_for_static_programs_covers_no_other(tmp_path: Path) -> None:
    source = tmp_path / "program.s"
    source.write_text("\t.globl _start\n_start:\n\tmfence\n\tret\n")
    made = tmp_path / "busybox"
    compiler: list[str | Path] = ["i686-linux-gnu-gcc", "-nostdlib", "-o", made, source]
    static = [instruction_audit.Known("static:usr/bin/busybox", "has its own C library")]
    subprocess.run([*compiler, "-static"], check=True)
    instruction_audit.check([("usr/bin/busybox", made)], static)
    subprocess.run([*compiler, "-pie"], check=True)
    with pytest.raises(KitError, match="1 instruction"):
        instruction_audit.check([("usr/bin/busybox", made)], static)


def test_a_program_for_another_processor(tmp_path: Path) -> None:
    source = tmp_path / "source.c"
    source.write_text("int nothing;\n")
    subprocess.run(["gcc", "-c", "-o", tmp_path / "other.so", source], check=True)
    assert "EM_X86_64" in instruction_audit.scan(tmp_path / "other.so")[0].text


def test_seen_files_come_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = built(tmp_path, ASSEMBLY.format(instruction="mfence"), ".s")
    first = instruction_audit.foreign(handler)
    monkeypatch.setattr(instruction_audit, "scan", lambda _: pytest.fail("scanned again"))
    assert instruction_audit.foreign(handler) == first


def test_every_known_file_has_a_reason() -> None:
    entries = instruction_audit.known(instruction_audit.KNOWN.read_text())
    assert entries
    assert all(len(one.reason.split()) > 3 for one in entries)
