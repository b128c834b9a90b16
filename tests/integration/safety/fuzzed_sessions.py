# SPDX-License-Identifier: MIT
"""Sessions of calls on the device, made up by hypothesis from what the ABI's header says."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from devkit.host.paths import PROJECT

HEADER = PROJECT / "kmod/include/uapi/linux/fastqueue.h"
_WORDS = re.compile(r"#define\s+FASTQUEUE_(\w+)\s+\(?(0x[0-9a-f]+|\d+)u?\b")
_RING = ("version", "size", "queue", "frames", "frame_size", "copy_range", "default_action", "period_us",
         "timeout_ms", "flags", "reserved0", "reserved5")  # fmt: skip
_SETTINGS = ("fields", "default_action", "period_us", "timeout_ms", "copy_range", "limit", "flags",
             "reserved")  # fmt: skip
_STRUCT_SIZES = (112, 32, 128)


def borders(text: str) -> list[int]:
    """Return all numbers of a header, and those beside them, as words of 32 bits."""
    numbers = {int(value, 0) for _, value in _WORDS.findall(text)} | {0, 1 << 31, *_STRUCT_SIZES}
    beside = {(number + by) & 0xFFFFFFFF for number in numbers for by in (-1, 0, 1)}
    return sorted(beside)


_values = st.one_of(st.sampled_from(borders(HEADER.read_text())), st.integers(0, 0xFFFFFFFF))
_fd = _queue = st.sampled_from((0, 0, 0, 0, 1, 2))
_map = st.sampled_from((0, 0, 1, 2, 3))
_protection = st.sampled_from((1, 1, 3, 3, 3, 5, 7))
_beside = st.lists(st.sampled_from((0, 0, 0, 0, 1, -1, 3)), min_size=2, max_size=2)  # pages
_kind = st.tuples(_protection, st.sampled_from((1, 1, 1, 1, 2))).map(list)


def _spoiled(base: st.SearchStrategy[dict[str, int]], names: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Mostly right; else with wrong or border values in one or two fields."""
    spoiling = st.dictionaries(st.sampled_from(names), _values, min_size=1, max_size=2)
    return st.one_of(base, base, st.tuples(base, spoiling).map(lambda both: both[0] | both[1]))


_ring = _spoiled(
    st.fixed_dictionaries(
        {
            "version": st.just(2),
            "size": st.just(112),
            "queue": _queue,
            "frames": st.sampled_from((8, 16, 64, 1024)),
            "frame_size": st.sampled_from((64, 256, 2048)),
            "copy_range": st.sampled_from((0, 1, 64)),
            "default_action": st.integers(0, 1),
            "period_us": st.sampled_from((0, 50, 1000)),
            "timeout_ms": st.sampled_from((0, 1, 1000)),
            "flags": st.integers(0, 0x3F),
        }
    ),
    _RING,
)
_setting = _spoiled(
    st.fixed_dictionaries(
        {
            "fields": st.integers(0, 0x3F),
            "default_action": st.integers(0, 1),
            "period_us": st.sampled_from((50, 1000, 1_000_000)),
            "timeout_ms": st.sampled_from((0, 1, 5000)),
            "copy_range": st.sampled_from((1, 64, 256)),
            "limit": st.sampled_from((0, 1, 8)),
            "flags": st.sampled_from((0, 4, 0x10, 0x20, 0x34)),
        }
    ),
    _SETTINGS,
)


def _call(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.tuples(st.just(name), *arguments).map(list)


_number = st.one_of(st.integers(0, 9), st.integers(0, 0xFFFF)).map(lambda low: low & 0xFF)
_any_call = st.one_of(
    _call("open", _fd, st.sampled_from((True, True, True, False))),
    _call("alloc", _fd, _ring),
    _call("alloc", _fd, _ring),
    _call("mmap", _map, _fd, _queue, _beside, _kind),
    _call("mmap", _map, _fd, _queue, st.just([0, 0]), st.tuples(_protection, st.just(1)).map(list)),
    _call("munmap", _map, st.integers(0, 20), st.sampled_from((1, 1, 2, 1 << 20, 1 << 20))),
    _call("send", _queue, st.integers(1, 12)),
    _call("send", _queue, st.integers(1, 40)),
    _call("scribble", _map, st.integers(0, 1 << 16)),
    _call("kick", _fd),
    _call("poll", _fd),
    _call("stats", _fd),
    _call("set", _fd, _setting),
    _call("resize", _fd, _ring),
    _call("mprotect", _map, _protection),
    _call("mremap", _map, st.sampled_from((0, 1, 7))),
    _call("dup", _fd, _fd),
    _call("close", _fd),
    _call("unknown", _fd, _number),
    _call("nowhere", _fd, st.integers(0, 3)),
)
_open = _call("open", _fd, st.just(True))
_maps = [st.just(["mmap", area, 0, area, [0, 0], [1 if area else 3, 1]]) for area in range(3)]
_begin = st.one_of(
    st.tuples(_call("open", st.just(0), st.just(True)), _call("alloc", st.just(0), _ring), *_maps),
    st.tuples(_call("open", st.just(0), st.just(True)), _call("alloc", st.just(0), _ring), _open),
    st.tuples(_open, _open),
    st.just(()),
).map(list)
_session = st.tuples(_begin, st.lists(_any_call, min_size=1, max_size=30)).map(lambda both: both[0] + both[1])


def make(number: int, number_of_seed: int) -> list[list[list[Any]]]:
    """Return so many sessions; the same ones for the same seed."""
    found: list[list[list[Any]]] = []

    @seed(number_of_seed)
    @settings(
        max_examples=number,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(_session)
    def collect(session: list[list[Any]]) -> None:
        found.append(session)

    collect()
    return found
