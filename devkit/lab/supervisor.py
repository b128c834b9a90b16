# SPDX-License-Identifier: MIT
"""Process 1 of a lab: makes the network, runs processes in it, hands out sockets.

Started by devkit.lab.client as the first process of new network, mount and pid namespaces. When it
ends, in whatever way, the kernel kills all that runs in the lab and frees the namespaces, so a lab
has exactly one thing that must not be forgotten. It ends when its owner closes the connection it
was started with (the owner's death does that too), unless it was detached.
"""

from __future__ import annotations

import argparse
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from devkit.host import unix_peer
from devkit.host.errors import KitError
from devkit.lab import machine, network, protocol, rundir, sandbox, topology
from devkit.lab.namespaces import Namespaces
from devkit.lab.process_table import Children

#: A client that does not take its answer in this time (seconds) is dropped.
_ANSWER_TIME = 1.0
#: The run-time directory is looked for at least this often (seconds).
_LOOK_AGAIN = 5.0


@dataclass
class Connection:
    """A client of the control socket; ``child`` is the process it started here."""

    sock: socket.socket
    child: int | None = None
    lasting: bool = False


@dataclass
class Supervisor:
    """Serves the control socket; one thread, so that it may change its namespace."""

    options: argparse.Namespace
    namespaces: Namespaces
    owner: socket.socket
    listener: socket.socket
    children: Children = field(init=False)
    started: float = field(default_factory=time.time)
    target: protocol.Message | None = None
    ends_with: int | None = None
    detached: bool = False
    running: bool = True

    def __post_init__(self) -> None:
        self.children = Children(self.namespaces)
        self.connections: dict[int, Connection] = {}
        self.logs: list[machine.LogPipe] = []
        self.selector = selectors.DefaultSelector()
        self.ended = _child_signals()

    def serve(self) -> None:
        """Serve until the owner is gone or somebody asks for the end."""
        self._watch(self.ended, self._reap)
        self._watch(self.listener, self._accept)
        self._watch(self.owner, self._owner)
        protocol.send(self.owner, {})
        while self.running:
            for key, _ in self.selector.select(_LOOK_AGAIN):
                key.data()
            if not self.options.directory.exists():
                # As when the user logs out: nobody could reach this lab any more.
                log("the run-time directory is gone, and so goes the lab")
                self.running = False

    def _watch(self, source: socket.socket, action: Callable[[], None]) -> None:
        self.selector.register(source, selectors.EVENT_READ, action)

    def _owner(self) -> None:
        message, _ = protocol.receive(self.owner)
        if message is None:
            log("the owner is gone")
            self.running = self.detached
            self.selector.unregister(self.owner)
            return
        self.ends_with = message["ends_with"]
        self.detached = True
        protocol.send(self.owner, {})
        log("detached")

    def _accept(self) -> None:
        sock, _ = self.listener.accept()
        try:
            unix_peer.check(sock)
        except KitError as error:
            log(error.what)
            sock.close()
            return
        sock.settimeout(_ANSWER_TIME)
        connection = Connection(sock)
        self.connections[sock.fileno()] = connection
        self._watch(sock, lambda: self._request(connection))

    def _request(self, connection: Connection) -> None:
        try:
            message, descriptors = protocol.receive(connection.sock)
            if message is None:
                self._drop(connection)
                return
            try:
                self._answer(connection, message, descriptors)
            except KitError as error:
                protocol.send(connection.sock, protocol.as_message(error))
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
        except OSError as error:
            log(f"a client was dropped: {error}")
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        """Forget a client, and unless it asked otherwise kill what it started."""
        if connection.child is not None and not connection.lasting:
            self.children.kill(connection.child)
        self.selector.unregister(connection.sock)
        del self.connections[connection.sock.fileno()]
        connection.sock.close()

    def _answer(self, connection: Connection, message: protocol.Message, descriptors: list[int]) -> None:
        match message["op"]:
            case "exec":
                self._exec(connection, message, descriptors)
            case "machine":
                self._machine(connection, message, descriptors)
            case "signal":
                if connection.child is not None:
                    self.children.signal(connection.child, message["number"])
            case "socket":
                self._socket(connection.sock, message)
            case "describe":
                self.target = message["target"]
                protocol.send(connection.sock, {})
            case "info":
                protocol.send(connection.sock, self._info())
            case "stop":
                protocol.send(connection.sock, {})
                log("asked to stop")
                self.running = False
            case other:
                raise KitError(
                    "FQ-LAB", f"the lab does not know {other!r}", "the kit changed: ./inv down --all"
                )

    def _check(self, namespace: str) -> None:
        if namespace not in self.namespaces:
            known = ", ".join(self.namespaces)
            raise KitError("FQ-LAB", f"no namespace {namespace!r} in the lab", f"there are {known}")

    def _exec(self, connection: Connection, message: protocol.Message, streams: list[int]) -> None:
        self._check(message["namespace"])
        connection.child = self.children.spawn(
            message["namespace"], message["argv"], streams, cwd=message["cwd"], env=message["env"],
            prepare=sandbox.confinement(message["tree"], privileged=message["privileged"]),
            apart=message["tree"] is not None,
        )  # fmt: skip
        connection.lasting = message["lasting"]
        protocol.send(connection.sock, {"pid": connection.child})

    def _machine(self, connection: Connection, message: protocol.Message, descriptors: list[int]) -> None:
        launch = machine.Launch(**message["launch"])
        try:
            pid, pipes = machine.start(
                launch, topology.LAB, self.options.directory, self.children, descriptors
            )
        except OSError as error:
            what = f"the machine's taps, sockets or logs cannot be made: {error}"
            raise KitError("FQ-LAB", what, "./inv doctor; is the disk full?") from error
        for pipe in pipes:
            self.logs.append(pipe)
            self.selector.register(pipe.descriptor, selectors.EVENT_READ, lambda pipe=pipe: self._copy(pipe))
        connection.child, connection.lasting = pid, True
        protocol.send(connection.sock, {"pid": pid})

    def _copy(self, pipe: machine.LogPipe) -> None:
        """Copy a log, and forget it where its writer has ended."""
        if not pipe.copy():
            self.selector.unregister(pipe.descriptor)
            self.logs.remove(pipe)
            pipe.close()

    def _socket(self, sock: socket.socket, message: protocol.Message) -> None:
        self._check(message["namespace"])
        kind = message["family"], message["type"], message["proto"]
        try:
            with self.namespaces.inside(message["namespace"]), socket.socket(*kind) as made:
                protocol.send(sock, {}, [made.fileno()])
        except OSError as error:
            what = f"no socket {kind} in the namespace {message['namespace']}: {error.strerror}"
            raise KitError("FQ-LAB", what, "check family, type and protocol") from error

    def _info(self) -> protocol.Message:
        options = self.options
        facts = {"name": options.name, "logs": str(options.logs), "started": self.started}
        return {**facts, "detached": self.detached, "target": self.target}

    def _reap(self) -> None:
        self.ended.recv(4096)
        ended = self.children.reap()
        for pipe in list(self.logs):
            self._copy(pipe)  # last words, before anybody hears of the end
        for pid, status in ended.items():
            log(f"process {pid} ended: {status}")
            for connection in self.connections.values():
                if connection.child == pid:
                    connection.child = None
                    _try_send(connection.sock, {"status": status})
            if self.target and self.target["pid"] == pid:
                self.target = None
            if self.detached and pid == self.ends_with:
                log("the target is gone, and so goes the lab")
                self.running = False


def _try_send(sock: socket.socket, message: protocol.Message) -> None:
    """Answer a client that may be gone; the selector will tell."""
    try:
        protocol.send(sock, message)
    except OSError as error:
        log(f"no answer possible: {error}")


def _child_signals() -> socket.socket:
    """Return a socket that becomes readable when a child ends."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def log(text: str) -> None:
    """Write a line to the lab's log, which is standard error."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _end(number: int, _: object) -> None:
    log(f"ended by {signal.Signals(number).name}")
    raise SystemExit(0)


def _prepare(options: argparse.Namespace, owner: socket.socket) -> Supervisor:
    if os.getpid() != 1:
        raise KitError("FQ-LAB", "the supervisor runs only inside a lab", "./inv boot starts one")
    os.environ["PATH"] = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    listener = protocol.connection()
    listener.bind(str(options.directory / "control.sock"))
    network.check_tun()
    plan = topology.load()
    namespaces = Namespaces(topology.LAB, [side.name for side in plan.sides])
    network.apply(topology.steps(plan, offloads=options.offloads), namespaces, log)
    listener.listen()
    return Supervisor(options, namespaces, owner, listener)


def main() -> int:
    """Set up, say so to the owner, serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--directory", type=Path, required=True, help="run-time folder, removed at the end")
    parser.add_argument("--logs", type=Path, required=True)
    parser.add_argument("--owner", type=int, required=True, help="descriptor of the owner's connection")
    parser.add_argument("--offloads", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=options.owner) as owner:
        owner.set_inheritable(False)
        try:
            supervisor = _prepare(options, owner)
        except KitError as error:
            log(str(error))
            _try_send(owner, protocol.as_message(error))
            return 1
        try:
            supervisor.serve()
        finally:
            rundir.remove(options.directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
