# SPDX-License-Identifier: MIT
"""Blocks of a module that was built for kcov: how many there are, and in which functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

#: Called at the beginning of each block; kcov stores the address after the call.
_TRACE = "__sanitizer_cov_trace_pc"
#: Bytes from the operand of a call, which is relocated, to its end.
_OPERAND = 4


@dataclass(frozen=True)
class Blocks:
    """offsets: of all blocks, in the module's text; functions: first offset, end and name of each."""

    offsets: frozenset[int]
    functions: tuple[tuple[int, int, str], ...]

    @classmethod
    def read(cls, module: Path) -> Blocks:
        """Return the blocks of ``module``, a file .ko of a 64-bit kernel; none if it has no calls of kcov."""
        with module.open("rb") as file:
            elf = ELFFile(file)
            table, relocations = elf.get_section_by_name(".symtab"), elf.get_section_by_name(".rela.text")
            symbols = list(table.iter_symbols()) if isinstance(table, SymbolTableSection) else []
            calls = relocations.iter_relocations() if isinstance(relocations, RelocationSection) else ()
            text = elf.get_section_index(".text")
            offsets = frozenset(
                call["r_offset"] + _OPERAND for call in calls if symbols[call["r_info_sym"]].name == _TRACE
            )
            functions = sorted(
                (each["st_value"], each["st_value"] + each["st_size"], each.name)
                for each in symbols
                if each["st_info"]["type"] == "STT_FUNC" and each["st_shndx"] == text
            )
        return cls(offsets, tuple(functions))

    def by_function(self, reached: set[int]) -> Iterator[tuple[str, int, int]]:
        """Yield name, number of blocks reached and number of blocks of each function that has some."""
        for first, end, name in self.functions:
            inside = {offset for offset in self.offsets if first < offset <= end}
            if inside:
                yield name, len(inside & reached), len(inside)
