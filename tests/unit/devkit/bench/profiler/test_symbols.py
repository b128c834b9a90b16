# SPDX-License-Identifier: MIT
from devkit.bench.profiler.symbols import USER, Symbols, totals
from devkit.bench.results.results import difference

LINES = [
    "c1000000 T _text",
    "c1000100 t ip_rcv_core.isra.0",
    "c1000200 D some_data",
    "c1000300 T kfree",
    "c4828000 t fq_receive\t[fastqueue]",
    "c4829000 t fq_ring.part.0.cold [fastqueue]",
    "garbage",
]


def test_addresses_belong_to_the_function_before_them() -> None:
    symbols = Symbols(LINES)
    assert symbols.name(0xC1000100) == "ip_rcv_core"
    assert symbols.name(0xC10002FF) == "ip_rcv_core"
    assert symbols.name(0xC1000300) == "kfree"
    assert symbols.name(0xC4828010) == "fq_receive [fastqueue]"
    assert symbols.name(0xC4829010) == "fq_ring [fastqueue]"
    assert symbols.name(0x08048000) == USER
    assert symbols.name(0xC0000010) == "c0000010"


def test_counts_are_summed_by_function() -> None:
    counts = {0xC1000100: 5, 0xC1000101: 6, 0x8048000: 3, 0x8048001: 4}
    assert totals(counts, Symbols(LINES)) == {"ip_rcv_core": 11, USER: 7}


def test_a_difference_has_what_became_less_too() -> None:
    assert difference({"a": 5.0, "b": 1.0}, {"b": 3.0, "c": 2.0}) == {"a": 5.0, "b": -2.0, "c": -2.0}
