# SPDX-License-Identifier: MIT
"""builder: a program that builds NFQUEUE's messages by itself, with libnetfilter_queue and libmnl."""

from lane import Flow, chain, enter, to_queue
from program import Program
from run import Record


def case_words(record: Record) -> None:
    enter(to_queue(5), hook="input")
    chain("meta mark 9 drop", hook="input", priority=1, name="after")
    flow = Flow()
    program = Program("./builder", "5")
    program.wait_bound(5)
    for text in (
        "plain", "drop", "mark 9", "mark 8", "change short", "change " + "longer " * 20, "batch", "batch",
        "end", "quit",
    ):  # fmt: skip
        flow.sender.send(text.encode())
    record("ended", program.wait())
    record("said", program.lines())
    record("arrived", [data.decode() for data in flow.contents(0.2)])


def case_large(record: Record) -> None:
    enter(to_queue(5), hook="input")
    flow = Flow()
    program = Program("./builder", "5")
    program.wait_bound(5)
    for size in (100, 3000, 30000, 60000):
        flow.sender.send(bytes(size))
    flow.sender.send(b"quit")
    record("ended", program.wait())
    record("said", program.lines())
    record("arrived", [len(data) for data in flow.contents(0.2)])


def case_what_the_library_says(record: Record) -> None:
    enter()
    program = Program("./builder", "5")
    program.wait_bound(5)
    program.stop()
    record("said", program.said())


def case_a_static_program(record: Record) -> None:
    program = Program("./static")
    record("ended", program.wait())
    record("said", program.lines())


def case_bound_by_another(record: Record) -> None:
    enter()
    first = Program("./builder", "5")
    first.wait_bound(5)
    second = Program("sh", "-c", "./builder 5 | head -n 1")
    second.wait_line("bind")
    record("said", second.lines())
    record("first", first.stop())
