# SPDX-License-Identifier: MIT
"""Start a lab or find a running one; run processes and open sockets in its namespaces."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from devkit.host import unix_peer
from devkit.host.errors import KitError
from devkit.host.paths import PROJECT
from devkit.host.run_command import need, python, tail
from devkit.lab import protocol, rundir
from devkit.lab.machine import Launch
from devkit.lab.process import Process, Stream, Streams
from devkit.lab.sandbox import Tree

_START_TIME = 30.0
_STOP_TIME = 10.0
_NEW = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


class Lab:
    """A client and a server network with a place for the target between them.

    The namespaces are ``client``, ``server`` (a host each, interface eth0) and ``lab`` (bridges,
    taps, QEMU). Leave it as a context manager, or call stop(): nothing of it remains.
    """

    def __init__(self, name: str, *, owner: socket.socket | None = None, child: _Child | None = None) -> None:
        self.name = name
        self.directory = rundir.path(name)
        self.logs = rundir.logs(name)
        self._owner = owner
        self._child = child
        self._detached = owner is None

    @classmethod
    def start(cls, name: str | None = None, *, owner_dies: bool = True, offloads: bool = False) -> Lab:
        """Make a lab; without a name it gets one of its own.

        It ends with this process (``owner_dies``), or lives until stop(). ``offloads`` keeps the
        host's checksum and segmentation offloads. KitError: FQ-BUSY (a lab has that name), FQ-TUN,
        FQ-NETNS, FQ-TOOL, FQ-RUNTIME.
        """
        unshare = need("unshare", "util-linux")
        name = rundir.check_name(name or _own_name())
        with rundir.locked():
            rundir.sweep()
            directory = rundir.create(name)
            try:
                lab = cls._spawn(unshare, name, directory, offloads)
            except BaseException:
                rundir.remove(directory)
                raise
        if not owner_dies:
            lab.detach()
        return lab

    @classmethod
    def _spawn(cls, unshare: str, name: str, directory: Path, offloads: bool) -> Lab:
        logs = rundir.create_logs(name)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        user = () if os.getuid() == 0 else ("--user", "--map-root-user")
        argv = [
            unshare, *user, *_NEW, *python("-m", "devkit.lab.supervisor"),
            "--name", name, "--directory", str(directory), "--logs", str(logs),
            "--owner", str(theirs.fileno()), *(["--offloads"] if offloads else []),
        ]  # fmt: skip
        with theirs, (logs / "lab.log").open("wb") as log:
            child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                pass_fds=[theirs.fileno()], env={**os.environ, "PYTHONPATH": str(PROJECT)},
            )  # fmt: skip
        lab = cls(name, owner=ours, child=child)
        try:
            lab._wait_ready()
        except BaseException:
            lab._close()
            raise
        return lab

    def _wait_ready(self) -> None:
        assert self._owner is not None
        log = self.logs / "lab.log"
        self._owner.settimeout(_START_TIME)
        try:
            message, _ = protocol.receive(self._owner)
        except TimeoutError:
            message = None
        if message is None:
            remedy = "allow namespaces (kernel.unprivileged_userns_clone, AppArmor, container), or be root"
            what = "the lab's namespaces cannot be made"
            raise KitError("FQ-NETNS", what, remedy, log=log, lines=tail(log))
        protocol.checked(message)

    @classmethod
    def attach(cls, name: str) -> Lab:
        """Return a lab that runs already; KitError FQ-LAB where there is none of that name."""
        if not rundir.alive(name):
            running = ", ".join(filter(rundir.alive, rundir.names())) or "none"
            what = f"no lab named {name} is running (running: {running})"
            log = rundir.logs(name) / "kernel.log"
            remedy = "start one: ./inv boot --detach"
            raise KitError("FQ-LAB", what, remedy, log=log if log.exists() else None)
        lab = cls(name)
        lab.logs = Path(lab.info()["logs"])
        return lab

    def _connect(self) -> socket.socket:
        try:
            return protocol.connect(rundir.control(self.name))
        except OSError as error:
            remedy = "./inv status shows what runs; ./inv boot --detach starts it again"
            raise KitError("FQ-LAB", f"the lab {self.name} ended", remedy) from error

    def _ask(self, message: protocol.Message) -> protocol.Message:
        with self._connect() as sock:
            protocol.send(sock, message)
            return protocol.checked(protocol.receive(sock)[0])

    @property
    def pid(self) -> int:
        """Process id of the supervisor, as seen from here; KitError FQ-LAB where it ended."""
        with self._connect() as sock:
            return unix_peer.credentials(sock).pid

    def info(self) -> protocol.Message:
        """Return what the supervisor knows: name, started (s since the epoch), logs, detached, target."""
        return self._ask({"op": "info"})

    def describe(self, target: protocol.Message) -> None:
        """Leave a description of the target with the supervisor, for info().

        It is there as long as the process ``target["pid"]`` runs.
        """
        self._ask({"op": "describe", "target": target})

    def popen(
        self,
        namespace: str,
        argv: Sequence[str | Path],
        *,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        lasting: bool = False,
        privileged: bool = False,
        tree: Tree | None = None,
    ) -> Process:
        """Start a process in a namespace; it is killed when the returned object (or we) go.

        ``lasting``: it lives as long as the lab instead. Its environment is the supervisor's, or
        ``env``. The guest may be hostile, so the process has no capabilities and cannot gain any;
        ``privileged`` leaves them to a program that configures the namespace. With ``tree`` it sees only the
        system's programs and the files named there, and no process of others, for a program that reads what
        the guest sends.
        KitError FQ-TOOL where the program is missing, FQ-SANDBOX where it cannot be confined.
        """
        words = [str(word) for word in argv]
        place = str(cwd or Path.cwd())
        request = {
            "op": "exec", "namespace": namespace, "argv": words, "cwd": place, "lasting": lasting,
            "privileged": privileged, "tree": asdict(tree) if tree else None,
        }  # fmt: skip
        streams = Streams(stdin, stdout, stderr)
        sock = self._connect()
        try:
            protocol.send(sock, {**request, "env": dict(env) if env is not None else None}, streams.child)
            pid = protocol.checked(protocol.receive(sock)[0])["pid"]
        except BaseException:
            sock.close()
            streams.close(own=True)
            raise
        streams.close()
        return Process(sock, words, streams, pid)

    def launch(self, launch: Launch, descriptors: Sequence[int] = ()) -> Process:
        """Start a program in the sandbox, with ``descriptors`` for the names in ``launch.given``.

        It lives as long as the lab. KitError FQ-TOOL where it is missing, FQ-SANDBOX where the kernel does
        not let it be confined, FQ-LAB where what it needs cannot be made.
        """
        streams = Streams(subprocess.DEVNULL, subprocess.DEVNULL, subprocess.DEVNULL)
        streams.close()
        sock = self._connect()
        try:
            protocol.send(sock, {"op": "machine", "launch": launch.message()}, descriptors)
            pid = protocol.checked(protocol.receive(sock)[0])["pid"]
        except BaseException:
            sock.close()
            raise
        return Process(sock, list(launch.argv), streams, pid)

    def run(
        self, namespace: str, argv: Sequence[str | Path], timeout: float = 60.0, *, privileged: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a process to its end and return its status and output; TimeoutExpired after ``timeout`` s.

        ``privileged`` as popen() has it.
        """
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            with self.popen(
                namespace, argv, stdout=stdout.fileno(), stderr=stderr.fileno(), privileged=privileged
            ) as process:
                status = process.wait(timeout)
            texts = []
            for stream in (stdout, stderr):
                stream.seek(0)
                texts.append(stream.read().decode(errors="replace"))
        return subprocess.CompletedProcess(process.args, status, *texts)

    def socket(self, namespace: str, family: int, type: int, proto: int = 0) -> socket.socket:
        """Return a socket that was made inside a namespace and works there, for good.

        Everything goes through it as usual: bind, connect, AF_PACKET with interface names too.
        """
        with self._connect() as sock:
            request = {"op": "socket", "namespace": namespace, "family": int(family)}
            protocol.send(sock, {**request, "type": int(type), "proto": int(proto)})
            message, descriptors = protocol.receive(sock)
            protocol.checked(message)
            return socket.socket(family, type, proto, fileno=descriptors[0])

    def detach(self, ends_with: Process | None = None) -> None:
        """Let the lab outlive this process; it then ends when ``ends_with`` does, or by stop()."""
        if self._owner is not None:
            protocol.send(self._owner, {"op": "detach", "ends_with": ends_with.pid if ends_with else None})
            protocol.checked(protocol.receive(self._owner)[0])
            self._detached = True

    def stop(self) -> None:
        """End the lab and all that runs in it, and wait until it is gone."""
        with contextlib.suppress(KitError), self._connect() as sock:
            pid = unix_peer.credentials(sock).pid
            gone = os.pidfd_open(pid)
            try:
                protocol.send(sock, {"op": "stop"})
                select.select([gone], [], [], _STOP_TIME)
            finally:
                os.close(gone)
        self._close()
        rundir.remove(self.directory)

    def _close(self) -> None:
        if self._owner is not None:
            self._owner.close()
        if self._child is not None:
            try:
                self._child.wait(_STOP_TIME)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._detached or kind is not None:
            self.stop()


_Child = subprocess.Popen[bytes]
_numbers = itertools.count(1)


def _own_name() -> str:
    return f"lab-{os.getpid()}-{next(_numbers)}"


def running() -> list[Lab]:
    """Return the user's labs that are alive, by name."""
    return [Lab(name) for name in rundir.names() if rundir.alive(name)]
