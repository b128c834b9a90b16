# SPDX-License-Identifier: MIT
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from devkit.bench.methods import main_table
from devkit.bench.methods.saturation import Search
from devkit.bench.paths.catalogue import ALL, FASTQUEUE_C, NETFILTERQUEUE, PLAIN, PYTHON_BATCH, PathSetting
from devkit.bench.schedule import Step, by_setting
from devkit.bench.workload import traffic_source
from devkit.bench.workload.loads import LATENCY, TCP_GSO, UDP_1400, Load
from devkit.bench.workload.traffic_source import SourceRun
from devkit.bench.workload.veth_network import VethNetwork
from devkit.host.errors import KitError
from devkit.target.qemu import Target
from devkit.target.shell import Result

LINE = '{"sent": 10, "forwarded": 10, "backlog": 0, "lag_ns": 0, "virtual_ns": 1000, "idle_ns": 400}'
BED = VethNetwork("02:00:00:00:00:01")


class Source:
    """A target whose traffic source answers with what ``answer`` makes of its command line."""

    def __init__(self, answer: Callable[[dict[str, str]], str]) -> None:
        self.answer = answer

    def run(self, argv: list[str], timeout: float, quiet: bool) -> Result:
        words = dict(zip(argv[1::2], argv[2::2], strict=False))
        return Result(0, self.answer(words).encode())


def target(answer: Callable[[dict[str, str]], str]) -> Target:
    return cast(Target, Source(answer))


def test_a_run_is_read_and_its_cost_is_what_is_not_idle() -> None:
    run = traffic_source.parse(LINE)
    assert run.per_packet == 60
    assert run.busy == pytest.approx(0.6)
    assert run.record()["sent"] == 10
    assert "latency_ns" not in run.record()


@pytest.mark.parametrize("text", ["", "[]", "bench-source: no", '{"sent": 1}'])
def test_anything_else_is_told(text: str) -> None:
    with pytest.raises(KitError) as caught:
        traffic_source.parse(text)
    assert caught.value.code == "FQ-BENCH"


@pytest.mark.parametrize(
    ("change", "carried"),
    [
        ({}, True),
        ({"backlog": 120}, True),
        ({"backlog": 121}, False),
        ({"forwarded": 9}, False),
        ({"lag_ns": 2_000_001}, False),
    ],
)
def test_a_load_is_carried_where_nothing_is_lost_or_piles_up(change: dict[str, int], carried: bool) -> None:
    run = replace(traffic_source.parse(LINE), **cast(dict[str, Any], change))
    assert run.carried(UDP_1400) is carried


def test_behind_a_timer_two_periods_may_be_inside() -> None:
    run = replace(traffic_source.parse(LINE), backlog=240)
    assert not run.carried(UDP_1400)
    assert run.carried(UDP_1400, timer_us=1000)


def test_what_is_not_carried_is_no_figure() -> None:
    with pytest.raises(KitError, match="did not carry 60000 packets/s"):
        traffic_source.run_checked(
            target(lambda words: LINE.replace('"forwarded": 10', '"forwarded": 3')), BED, UDP_1400
        )


def test_a_load_becomes_options() -> None:
    words = LATENCY.words()
    assert words[-1] == "--latency"
    assert words[words.index("--period-us") + 1] == "331"
    assert UDP_1400.slower(3).period_us == 3000
    assert UDP_1400.rate == 60_000


def test_tcp_has_its_own_options() -> None:
    words = TCP_GSO.words()
    assert words[words.index("--tcp") :] == ["--tcp", "45", "--acks", "1"]
    assert TCP_GSO.segments * (TCP_GSO.length - 52) + 52 < 65_536
    assert "--tcp" not in UDP_1400.words()


def test_the_search_finds_the_shortest_period_that_is_carried() -> None:
    def answer(words: dict[str, str]) -> str:
        lost = int(words["--period-us"]) < 500
        run = SourceRun(
            sent=1000, forwarded=900 if lost else 1000, backlog=0, lag_ns=0, virtual_ns=10**7, idle_ns=10**6
        )
        return str(run.record()).replace("'", '"')

    found = Search(UDP_1400).run(target(answer), BED)
    assert 500 <= found["period_us"] <= 502
    assert found["packets_per_s"] == pytest.approx(60e6 / found["period_us"])


def test_handlers_get_their_options_before_their_name() -> None:
    assert PathSetting(PLAIN).argv(0) == ()
    assert PathSetting(FASTQUEUE_C, ("--frames", "64"), 2).argv(1) == (
        "fq-null",
        "--frames",
        "64",
        "--queue",
        "1",
    )
    assert PathSetting(PYTHON_BATCH).argv(0)[-1] == "null"


def test_every_row_has_the_columns_that_it_can_have() -> None:
    keys = {step.key for step in main_table.steps(ALL, runs=1)}
    for row in ALL:
        assert {f"cost/{row.name}/{column}" for column in ("udp-64", "ipv6-1400", "tcp", "copy-64")} <= keys
        assert (f"cost/{row.name}/tcp-gso" in keys) == (row != NETFILTERQUEUE)


def test_steps_of_one_setting_come_together() -> None:
    def step(key: str, setting: PathSetting) -> Step:
        return Step(key, setting, lambda target, bed: {})

    first, second = PathSetting(PLAIN), PathSetting(FASTQUEUE_C)
    grouped = by_setting([step("a", first), step("b", second), step("c", first)])
    assert [(setting, [one.key for one in group]) for setting, group in grouped] == [
        (first, ["a", "c"]),
        (second, ["b"]),
    ]


def test_a_load_of_one_burst_lasts_its_packets() -> None:
    load = Load("x", "x", burst=7, packets=14)
    assert load.words()[:6] == ["--length", "1400", "--burst", "7", "--period-us", "1000"]
