# SPDX-License-Identifier: MIT
"""nf-queue: libnetfilter_queue's own example program, from Debian's package, as it is."""

from lane import Flow, enter, to_queue
from program import Program
from run import Record


def case_packets(record: Record) -> None:
    enter(to_queue(3), hook="input")
    program = Program("./nf-queue", "3")
    program.wait_bound(3)
    for size in (0, 100, 1400, 9000, 60000):
        flow = Flow(filler=size)
        for _ in range(3):  # one at a time: the original loses large ones from its socket's buffer
            flow.send(1)
            record(f"arrived {size}", [len(data) for data in flow.contents(0.1)])
        flow.sender.close()
        flow.receiver.close()
    program.wait_line("packet received", 15)
    record("ended", program.stop())
    record("said", program.lines())


def case_wrong_arguments(record: Record) -> None:
    program = Program("./nf-queue")
    record("ended", program.wait())
    record("said", program.lines())
