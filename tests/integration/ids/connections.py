# SPDX-License-Identifier: MIT
"""Very many short HTTP connections; runs on the lab's hosts, prints what came of them as JSON.

``connections.py serve ADDRESS PORT`` until it gets SIGTERM, ``connections.py ask ADDRESS PORT NUMBER RATE``
with RATE in connections a second. One in COVERED asks for what a drop rule is about, and is given up at once.
"""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import socket
import struct
import sys
import time
from collections import Counter

COVERED = 20
#: Connections at a time, whose packets all have room in Suricata's queue.
MOST = 256
_PAGES = {False: b"/page.html", True: b"/cgi-bin/exploit.cgi"}
_REQUEST = b"GET %s?%d HTTP/1.1\r\nHost: www.example\r\nUser-Agent: browser/1.0\r\nConnection: close\r\n\r\n"
_PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
#: In turn: a port comes again when nobody remembers it. Suricata drops a flow with all that is sent on it,
#: and a connection from the same port soon after would be part of that flow.
_PORTS = range(2_000, 65_000)
#: Seconds: for an answer, for one that does not come, and of the server for a request.
_LONG, _SHORT, _SERVERS = 120.0, 3.0, 60.0


def _forget(writer: asyncio.StreamWriter) -> None:
    """End a connection with a reset: what is dropped on its way would be sent again for minutes."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _serve(address: str, port: int) -> Counter[str]:
    reached: Counter[str] = Counter(harmless=0, covered=0, silent=0)
    ends = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ends.set)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _SERVERS)
        except (TimeoutError, OSError, EOFError, asyncio.CancelledError):
            # Those too that are open at the end: their goodbyes would come for minutes.
            reached["silent"] += 1
            _forget(writer)
            return
        reached["covered" if _PAGES[True] in request else "harmless"] += 1
        writer.write(_PAGE)
        writer.close()

    server = await asyncio.start_server(answer, address, port, backlog=4096)
    print("ready", flush=True)
    await ends.wait()
    server.close()
    return reached


async def _ask_one(address: str, port: int, number: int, found: Counter[str]) -> None:
    covered = number % COVERED == COVERED - 1
    kind = "covered" if covered else "harmless"
    try:
        own = ("0.0.0.0", _PORTS[number % len(_PORTS)])
        reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port, local_addr=own), _LONG)
    except OSError:
        found[f"{kind} refused"] += 1
        return
    writer.write(_REQUEST % (_PAGES[covered], number))
    try:
        whole = await asyncio.wait_for(reader.read(), _SHORT if covered else _LONG)
    except OSError:
        whole = b""
    found[f"{kind} {'answered' if whole == _PAGE else 'unanswered'}"] += 1
    if whole:
        writer.close()
    else:
        _forget(writer)


async def _ask(address: str, port: int, number: int, rate: float) -> dict[str, float]:
    """Each connection begins at its time, whatever has become of those before, but for MOST at a time.

    A target that is slower than RATE is then asked as fast as it goes, and "seconds" says how fast that was.
    """
    slots = asyncio.Semaphore(MOST)

    def done(task: asyncio.Task[None]) -> None:
        running.discard(task)
        slots.release()

    found: Counter[str] = Counter()
    running: set[asyncio.Task[None]] = set()
    began = time.monotonic()
    for each in range(number):
        await asyncio.sleep(max(0.0, began + each / rate - time.monotonic()))
        await slots.acquire()
        task = asyncio.create_task(_ask_one(address, port, each, found))
        running.add(task)
        task.add_done_callback(done)
    seconds = time.monotonic() - began
    await asyncio.gather(*running)
    return {**found, "seconds": seconds}


def main(what: str, address: str, port: str, *words: str) -> None:
    """Serve or ask."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if what == "serve":
        print(json.dumps(asyncio.run(_serve(address, int(port)))))
    else:
        print(json.dumps(asyncio.run(_ask(address, int(port), int(words[0]), float(words[1])))))


if __name__ == "__main__":
    main(*sys.argv[1:])
