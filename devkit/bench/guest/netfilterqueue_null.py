# SPDX-License-Identifier: MIT
"""NFQUEUE's handler with the PyPI package NetfilterQueue, for the target: accepts everything.

At its best: a receive buffer of 8 MiB, no ENOBUFS. The package gives one verdict a packet.
"""

from __future__ import annotations

import argparse
import socket

from netfilterqueue import NetfilterQueue, Packet  # type: ignore[import-not-found]

SOL_NETLINK = 270
NETLINK_NO_ENOBUFS = 5
SO_RCVBUFFORCE = 33


def main() -> None:
    """Run until a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copy-range", type=int, default=0xFFFF)
    queue = NetfilterQueue()
    queue.bind(0, Packet.accept, max_len=2048, range=parser.parse_args().copy_range)
    with socket.socket(fileno=queue.get_fd()) as sock:
        sock.setsockopt(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        print("ready: queue 0", flush=True)
        queue.run()


if __name__ == "__main__":
    main()
