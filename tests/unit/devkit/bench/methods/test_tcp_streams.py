# SPDX-License-Identifier: MIT
from devkit.bench.methods import tcp_streams
from devkit.bench.paths.catalogue import EXTENSION_BATCH, FASTQUEUE_C, PLAIN


def test_offloads_are_left_out_of_a_quick_run() -> None:
    whole, quick = tcp_streams.plan(40, quick=False), tcp_streams.plan(20, quick=True)
    assert {stream.key for stream in whole} - {stream.key for stream in quick} == {
        f"stream/virtio-offloads/{path}" for path in ("plain", "nfqueue-c", "fastqueue-python", "fastqueue-c")
    }


def test_only_paths_of_the_chosen_rows_are_measured() -> None:
    found = tcp_streams.plan(20, quick=True, chosen=[PLAIN, FASTQUEUE_C])
    assert {stream.path.name for stream in found} == {"plain", "fastqueue-c"}
    python = tcp_streams.plan(20, quick=True, chosen=[EXTENSION_BATCH])
    assert {stream.path.name for stream in python} == {"fastqueue-python"}


def test_a_stream_takes_its_length_and_more() -> None:
    one, *_ = tcp_streams.plan(20, quick=True)
    assert 20 < tcp_streams.seconds([one]) < 60
    assert tcp_streams.seconds([]) == 0
