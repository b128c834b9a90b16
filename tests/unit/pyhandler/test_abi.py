# SPDX-License-Identifier: MIT
"""Every number and structure in Python against the C header, through a C compiler."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from struct import Struct

import pytest
from fastqueue import abi

HEADERS = Path(__file__).parents[3] / "kmod" / "include" / "uapi"
HEADER = HEADERS / "linux" / "fastqueue.h"

STRUCTURES = {
    "answer": abi.ANSWER,
    "meta": abi.META,
    "ring": abi.RING,
    "settings": abi.SETTINGS,
    "stats": abi.STATS,
}
# Python's name where it is not the header's
OTHER_NAMES = {"MAGIC": "IOC_MAGIC", "DEVICE": "DEVICE"}
LOCAL = {"DEVICE"}  # not a number


def numeric_names() -> list[str]:
    """Names of all macros of the header that have a value."""
    names = re.findall(r"^#define\s+FASTQUEUE_(\w+)\s", HEADER.read_text(), re.MULTILINE)
    return [name for name in names if name not in LOCAL]


def fields(structure: str) -> list[str]:
    """Names of a structure's fields that are not reserved."""
    body = re.search(rf"^struct fastqueue_{structure} {{(.*?)^}};", HEADER.read_text(), re.S | re.M)
    assert body
    names = re.findall(r"^\s+__\w+\s+(\w+)(?:\[\d+\])?;", body[1], re.MULTILINE)
    return [name for name in names if name != "reserved"]


def offsets(layout: Struct) -> list[int]:
    """Offset of each field that a Struct packs, found by packing ones into one field at a time."""
    template = layout.unpack(bytes(layout.size))
    found = []
    for index, empty in enumerate(template):
        values = list(template)
        values[index] = b"\xff" * len(empty) if isinstance(empty, bytes) else 1
        found.append(next(place for place, byte in enumerate(layout.pack(*values)) if byte))
    return found


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Values the C compiler gives."""
    lines = [f'P("{name}", FASTQUEUE_{name});' for name in numeric_names()]
    for name in STRUCTURES:
        lines.append(f'P("sizeof {name}", sizeof(struct fastqueue_{name}));')
        lines += [
            f'P("{name}.{field}", offsetof(struct fastqueue_{name}, {field}));' for field in fields(name)
        ]
    lines += [f'P("status.{each}", offsetof(struct fastqueue_status, {each}));' for each in fields("status")]
    lines += [
        'P("control", sizeof(struct fastqueue_control));',
        'P("status", sizeof(struct fastqueue_status));',
    ]
    folder = tmp_path_factory.mktemp("abi")
    source = folder / "abi.c"
    source.write_text(
        "#include <stdio.h>\n#include <stddef.h>\n#include <linux/fastqueue.h>\n"
        '#define P(name, value) printf("%s=%llu\\n", name, (unsigned long long)(value))\n'
        "int main(void) {\n" + "\n".join(lines) + "\nreturn 0; }\n"
    )
    command = ["gcc", "-I", str(HEADERS), "-o", str(folder / "abi"), str(source)]
    subprocess.run(command, check=True, timeout=60)
    output = subprocess.run([str(folder / "abi")], check=True, capture_output=True, text=True, timeout=10)
    return {
        name: int(value) for name, _, value in (line.partition("=") for line in output.stdout.splitlines())
    }


def test_every_number_of_the_header_is_known_and_equal(compiled: dict[str, int]) -> None:
    expected = {name: compiled[name] for name in numeric_names()}
    assert expected == {name: getattr(abi, OTHER_NAMES.get(name, name)) for name in expected}
    assert len(expected) > 40


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_have_the_headers_layout(compiled: dict[str, int], name: str) -> None:
    layout = STRUCTURES[name]
    assert layout.size == compiled[f"sizeof {name}"]
    assert offsets(layout) == [compiled[f"{name}.{field}"] for field in fields(name)]


def test_heads_of_the_areas(compiled: dict[str, int]) -> None:
    assert compiled["control"] == abi.CONTROL_SIZE == abi.WORDS_OFFSET
    assert compiled["status"] == abi.STATUS_SIZE == abi.META_OFFSET
    indices = {"fa": abi.STATUS_FA, "fp": abi.STATUS_FP}
    assert {name: compiled[f"status.{name}"] // 4 for name in indices} == indices
    assert compiled["meta.cap_len"] // 4 == abi.META_CAP_LEN


def test_device_name() -> None:
    assert f'#define FASTQUEUE_DEVICE\t"{abi.DEVICE}"' in HEADER.read_text()
