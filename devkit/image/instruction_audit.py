# SPDX-License-Identifier: MIT
"""Guard: no program of the image has an instruction that a Pentium III lacks, but for known ones."""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path

import capstone  # type: ignore[import-untyped]
from capstone import x86
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section, SymbolTableSection

from devkit.host import cache
from devkit.host.errors import KitError

KNOWN = Path(__file__).with_name("isa-known.txt")
#: Part of the keys: raise it when this module finds something else in the same file.
RECIPE = "1"

#: Capstone's groups of instructions that a Pentium III has; those below the first are no sets but kinds.
_FIRST_SET = x86.X86_GRP_VM
_HAS = {
    x86.X86_GRP_CMOV, x86.X86_GRP_FPU, x86.X86_GRP_MMX, x86.X86_GRP_SSE1,
    x86.X86_GRP_MODE32, x86.X86_GRP_NOT64BITMODE, x86.X86_GRP_16BITMODE,
}  # fmt: skip
#: By name, where the group says too much. With a prefix that older processors ignore, these are older
#: instructions (nop, bsf), and compilers emit them for every processor.
_OLDER = {"pause", "tzcnt", "endbr32", "nop"}
#: By name, where capstone knows no group, or the older one of the same name with other registers.
_NEWER = {
    "fisttp", "movnti", "lfence", "mfence", "clflush", "movbe", "popcnt", "lzcnt", "crc32", "rdrand",
    "rdseed", "monitor", "mwait", "rdtscp", "xsave", "xrstor", "xgetbv", "syscall", "cmpxchg16b",
    "paddq", "psubq", "pmuludq", "pshufb", "phaddw", "phaddd", "phaddsw", "phsubw", "phsubd", "phsubsw",
    "pmaddubsw", "pmulhrsw", "psignb", "psignw", "psignd", "pabsb", "pabsw", "pabsd", "palignr",
}  # fmt: skip
#: Code that the kernel copies over other code only where the processor has it.
_PATCHES = ".altinstr_replacement"
_SHOWN = 20


@dataclass(frozen=True)
class Foreign:
    """An instruction that a Pentium III lacks: its address, function (or none), text, instruction set."""

    address: int
    symbol: str
    text: str
    extension: str


@dataclass(frozen=True)
class Known:
    """A line of isa-known.txt: pattern of paths in the image, and the reason.

    Or of PATH:FUNCTION; or static:PATH, which stands for a program without a dynamic linker only.
    """

    pattern: str
    reason: str


def known(text: str) -> list[Known]:
    """Entries of isa-known.txt, from its text."""
    lines = (line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#"))
    return [Known(pattern, reason) for pattern, reason in lines]


def check(files: Iterable[tuple[str, Path]], allowed: Iterable[Known] | None = None) -> None:
    """Check each of ``files`` (path in the image, file), what is no ELF file aside; remembered by content.

    ``allowed`` is isa-known.txt's where none is given. KitError FQ-ISA names file, function and instruction.
    """
    patterns = known(KNOWN.read_text()) if allowed is None else list(allowed)
    found: list[str] = []
    for name, path in files:
        if (
            _is_elf(path)
            and not _fits(name, patterns)
            and not (_static(path) and _fits(f"static:{name}", patterns))
        ):
            strange = (one for one in foreign(path) if not _fits(f"{name}:{one.symbol}", patterns))
            found += [_line(name, one) for one in strange]
    if found:
        what = f"{len(found)} instructions in the image that a Pentium III lacks"
        remedy = "-march=pentium3; for what looks at the processor first: devkit/image/isa-known.txt"
        raise KitError("FQ-ISA", what, remedy, lines=found[:_SHOWN])


def _line(name: str, one: Foreign) -> str:
    return f"{name}: {one.symbol or 'no symbol'} at {one.address:#x}: {one.text} ({one.extension})"


def _fits(name: str, patterns: Iterable[Known]) -> bool:
    return any(fnmatch(name, one.pattern) for one in patterns)


def _is_elf(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _static(path: Path) -> bool:
    with path.open("rb") as file:
        return all(segment["p_type"] != "PT_INTERP" for segment in ELFFile(file).iter_segments())


def foreign(path: Path) -> list[Foreign]:
    """What a Pentium III lacks in the executable sections of an ELF file, remembered."""

    def make(work: Path) -> None:
        (work / "foreign.json").write_text(json.dumps([asdict(one) for one in scan(path)]))

    key = cache.digest(RECIPE, capstone.__version__, cache.digest_file(path))
    text = (cache.entry("isa", key, make) / "foreign.json").read_text()
    return [Foreign(**one) for one in json.loads(text)]


def scan(path: Path) -> list[Foreign]:
    """As ``foreign``, without the cache."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        if elf["e_machine"] != "EM_386":
            return [Foreign(0, "", f"a program for {elf['e_machine']}", "another processor")]
        names = _Symbols(elf)
        sections = [one for one in elf.iter_sections() if _is_code(one)]
        return [one for section in sections for one in _in_section(section, names)]


def _is_code(section: Section) -> bool:
    executable = section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR and section["sh_type"] == "SHT_PROGBITS"
    return bool(executable) and section.name != _PATCHES


def _in_section(section: Section, names: _Symbols) -> Iterator[Foreign]:
    code, begin = section.data(), section["sh_addr"]
    for offset, size, mnemonic, operands in _instructions(code):
        extension = _sets.extension(mnemonic, operands, code[offset : offset + size])
        if extension:
            symbol = names.at(section, begin + offset)
            yield Foreign(begin + offset, symbol, f"{mnemonic} {operands}".strip(), extension)


def _instructions(code: bytes) -> Iterator[tuple[int, int, str, str]]:
    """Decode from end to end; what is no instruction (a table in the code) is passed over by bytes."""
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32)
    offset = 0
    while offset < len(code):
        end = offset
        for address, size, mnemonic, operands in decoder.disasm_lite(code[offset:], offset):
            end = address + size
            yield address, size, mnemonic, operands
        offset = max(end, offset) + (end < len(code))


class _Sets:
    """The instruction set of an instruction, looked up once for each mnemonic and kinds of registers."""

    def __init__(self) -> None:
        self._decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32)
        self._decoder.detail = True
        self._seen: dict[tuple[str, ...], str] = {}

    def extension(self, mnemonic: str, operands: str, code: bytes) -> str:
        """Return the name of the set, or nothing where a Pentium III has the instruction."""
        kinds = (kind for kind in ("xmm", "ymm", "zmm", "mm") if kind in operands)
        key = (mnemonic, *kinds)
        if key not in self._seen:
            self._seen[key] = self._look_up(mnemonic, code)
        return self._seen[key]

    def _look_up(self, mnemonic: str, code: bytes) -> str:
        if mnemonic in _OLDER:
            return ""
        if mnemonic in _NEWER:
            return mnemonic
        instruction = next(self._decoder.disasm(code, 0, 1))
        sets = [one for one in instruction.groups if one >= _FIRST_SET and one not in _HAS]
        return ", ".join(instruction.group_name(one) for one in sets)


_sets = _Sets()


class _Symbols:
    """Names of functions by section and address."""

    def __init__(self, elf: ELFFile) -> None:
        self._found: dict[int | str, list[tuple[int, str]]] = {}
        self._indices = {section.name: index for index, section in enumerate(elf.iter_sections())}
        tables = (one for one in elf.iter_sections() if isinstance(one, SymbolTableSection))
        for symbol in (one for table in tables for one in table.iter_symbols()):
            if symbol["st_info"]["type"] == "STT_FUNC" and symbol.name:
                self._found.setdefault(symbol["st_shndx"], []).append((symbol["st_value"], symbol.name))
        for names in self._found.values():
            names.sort()

    def at(self, section: Section, address: int) -> str:
        """Return the function that ``address`` lies in or behind; nothing where no symbol is before it."""
        names = self._found.get(self._indices[section.name], [])
        place = bisect.bisect_right(names, address, key=lambda one: one[0])
        return names[place - 1][1] if place else ""
