# SPDX-License-Identifier: MIT
"""The command channel against a real shell on a real terminal, the way a target has one."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pexpect import EOF

from devkit.host.errors import KitError
from devkit.host.run_command import TAIL_LINES
from devkit.target import framed_output
from devkit.target import shell as shells
from devkit.target.channel import Channel
from devkit.target.framed_output import KEPT_BESIDE_SINK, Output
from devkit.target.shell import Shell

# A board's console is interactive, the target's channel is not; busybox where the host has it.
BUSYBOX = ["busybox"] if shutil.which("busybox") else []
SHELLS = [["sh", "-i"], [*BUSYBOX, "sh", "-i"], [*BUSYBOX, "sh", "+i"]]


class Terminal:
    """A shell on a pseudo terminal, bridged to a socket like QEMU's; ``pause``: seconds per 4 KB."""

    def __init__(self, argv: list[str], pause: float = 0.0) -> None:
        self._pause = pause
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            ["setsid", "-c", *argv], stdin=slave, stdout=slave, stderr=slave,
            env={**os.environ, "PS1": "prompt$ "},
        )  # fmt: skip
        os.close(slave)
        self.ours, self.theirs = socket.socketpair()
        for source, sink in ((self.master, self.theirs.fileno()), (self.theirs.fileno(), self.master)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: int, sink: int) -> None:
        try:
            while chunk := os.read(source, 4096):
                time.sleep(self._pause if len(chunk) > 100 else 0.0)
                view = memoryview(chunk)
                while view:
                    view = view[os.write(sink, view) :]
        except OSError:
            pass  # the end of a terminal whose shell is gone
        with contextlib.suppress(OSError):
            self.theirs.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        self.theirs.close()


@pytest.fixture(params=SHELLS, ids=" ".join)
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    terminal = Terminal(request.param)
    yield terminal
    terminal.close()


@pytest.fixture
def shell(terminal: Terminal) -> Iterator[Shell]:
    shell = Shell(Channel(terminal.ours))
    assert shell.answered(shell.call(), 10)
    yield shell
    shell.close()


def test_output_and_status(shell: Shell) -> None:
    result = shell.run("echo out; echo err >&2; exit 7")
    assert (result.status, result.raw) == (7, b"out\nerr\n")


def test_output_is_exact(shell: Shell) -> None:
    assert shell.run("printf 'no end of line'").raw == b"no end of line"
    assert shell.run("printf 'a\\r\\n\\tb\\n'").raw == b"a\r\n\tb\n"
    assert shell.run("true").raw == b""


@pytest.mark.parametrize("command", ["echo 'a b'", 'echo "$HOME"', "echo ü\necho second", "echo \\$x '`'"])
def test_quoting(shell: Shell, command: str) -> None:
    assert (
        shell.run(command).raw
        == subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout
    )


def test_state_does_not_leak(shell: Shell) -> None:
    shell.run("cd /; set -e; x=1; false")
    assert shell.run('echo "[$x]"; pwd').output.splitlines()[0] == "[]"


def test_syntax_error(shell: Shell) -> None:
    assert shell.run("if then").status != 0
    assert shell.run("echo fine").output == "fine\n"


def test_exit_and_missing_command(shell: Shell) -> None:
    assert shell.run("no-such-command").status == 127
    assert shell.run("kill -9 $$").status == 128 + signal.SIGKILL
    assert shell.run("echo fine").output == "fine\n"


def test_no_standard_input(shell: Shell) -> None:
    assert shell.run("cat; echo done").output == "done\n"


@pytest.mark.parametrize("size", [2000, 5000, 200_000])
def test_long_command(shell: Shell, size: int) -> None:
    text = "x" * size
    result = shell.run(f"echo {text} | wc -c")
    assert int(result.output) == size + 1


def test_long_command_status(shell: Shell) -> None:
    assert shell.run(f": {'x' * 5000}; exit 9").status == 9


def test_control_characters_in_command(shell: Shell) -> None:
    assert shell.run("printf %s '\x03\x04\x1c\x7f' | od -An -tx1").output.split() == ["03", "04", "1c", "7f"]


def test_a_file_for_a_target_that_is_slower_than_an_interrupt_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shells, "_FIRST_LOOK", 0.1)
    monkeypatch.setattr(shells, "_INTERRUPT_TIME", 0.1)
    terminal = Terminal(SHELLS[0], pause=1.5)
    terminal.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    shell = Shell(Channel(terminal.ours))
    try:
        assert shell.answered(shell.call(), 10)
        shell.put(bytes(9000), str(tmp_path / "file"))
    finally:
        shell.close()
        terminal.close()
    assert (tmp_path / "file").read_bytes() == bytes(9000)


def test_large_output_with_a_slow_reader(shell: Shell) -> None:
    seen = bytearray()

    def slow(data: bytes) -> None:
        time.sleep(0.001)
        seen.extend(data)

    result = shell.run("seq 1 200000", sink=slow)
    assert bytes(seen) == b"".join(b"%d\n" % number for number in range(1, 200_001))
    assert bytes(seen).endswith(result.raw)
    assert len(result.raw) >= KEPT_BESIDE_SINK


def test_output_streams(shell: Shell) -> None:
    times: list[tuple[float, bytes]] = []
    shell.run("printf now; sleep 0.4; echo later", sink=lambda data: times.append((time.monotonic(), data)))
    assert times[0][1] == b"now"
    assert times[-1][0] - times[0][0] > 0.3


@pytest.mark.parametrize("data", [b"", b"\0\1\2\xff" * 1000, os.urandom(300_000)], ids=len)
def test_put(shell: Shell, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "with 'quotes' and $x"
    shell.put(data, str(path), 0o755)
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o777 == 0o755


def test_put_fails(shell: Shell) -> None:
    with pytest.raises(KitError, match="cannot write") as caught:
        shell.put(b"x", "/no/such/folder/file")
    assert caught.value.code == "FQ-STATUS"
    assert shell.run("echo fine").output == "fine\n"


def test_timeout_leaves_the_channel_usable(shell: Shell) -> None:
    with pytest.raises(KitError, match="sleep 100") as caught:
        shell.run("echo before; sleep 100", timeout=0.3)
    assert caught.value.code == "FQ-TIMEOUT"
    assert caught.value.lines == ["before"]
    assert shell.run("echo fine").output == "fine\n"


def test_timeout_of_a_deaf_command(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KitError) as caught:
        monkeypatch.setattr("devkit.target.shell._INTERRUPT_TIME", 0.3)
        shell.run("trap '' INT; while :; do sleep 0.1; done", timeout=0.3)
    # An interactive busybox keeps Ctrl-\\ from its children too: then the channel is lost, and says so.
    assert caught.value.code == ("FQ-CHANNEL" if shell.dead else "FQ-TIMEOUT")
    if not shell.dead:
        assert shell.run("echo fine").output == "fine\n"


def test_channel_is_declared_lost(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devkit.target.shell._INTERRUPT_TIME", 0.3)
    for _ in range(2):
        with pytest.raises(KitError) as caught:
            shell.run("trap '' INT QUIT; sleep 5 & wait; sleep 5", timeout=0.3)
        assert caught.value.code == "FQ-CHANNEL"


def test_interrupt_passes(shell: Shell) -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    result = shell.run("echo before; sleep 100", passes=True)
    assert result == type(result)(128 + signal.SIGINT, b"before\n")


def test_interrupt_raises(shell: Shell) -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        shell.run("sleep 100")
    assert shell.run("echo fine").output == "fine\n"


def test_background_process_does_not_hold_the_command(shell: Shell) -> None:
    started = time.monotonic()
    pid = int(shell.run("sleep 100 >/dev/null 2>&1 & echo $!").output)
    assert time.monotonic() - started < 5
    assert shell.run(f"kill {pid}").status == 0


def test_synchronize_after_a_command_was_left_running(shell: Shell) -> None:
    shell.channel.send(b"sleep 100; echo never\n")
    time.sleep(0.3)
    shell.synchronize()
    assert shell.run("echo fine").output == "fine\n"


def test_synchronize_after_half_a_file(shell: Shell, tmp_path: Path) -> None:
    shell.channel.send(f"base64 -d >{tmp_path}/half <<'fq-heredoc'\nQUJD\nQU".encode())
    time.sleep(0.3)
    shell.synchronize()
    assert shell.run("echo fine").output == "fine\n"


def test_shell_goes_away(shell: Shell, terminal: Terminal) -> None:
    threading.Timer(0.3, terminal.process.kill).start()
    with pytest.raises(EOF):
        shell.run("sleep 100", timeout=20)


def test_echo_cannot_match() -> None:
    output = Output("123")
    output.feed(b"$ printf '%s%s\\n' fq-begin- 123; ls; printf '%s%s:%s\\n' fq-end- 123 $?\r\n")
    assert output.status is None
    output.feed(b"fq-begin-123\r\nfile\r\nfq-end-123:0\r\n")
    assert bytes(output.kept) == b"file\r\n"


def test_marker_in_pieces() -> None:
    passed: list[bytes] = []
    output = Output("123", passed.append)
    for byte in b"fq-begin-123\nab\nfq-end-12 no\nfq-fq-end-123:42\n":
        output.feed(bytes([byte]))
    assert output.status == 42
    assert b"".join(passed) == bytes(output.kept) == b"ab\nfq-end-12 no\nfq-"


@pytest.mark.parametrize("end", [b"9" * 5000, b"1234", b"x", b"", b"-1", b"new "])
def test_a_marker_without_a_status_is_output(end: bytes) -> None:
    passed: list[bytes] = []
    output = Output("123", passed.append)
    sent = b"a\nfq-end-123:" + end + b"\nb\n"
    for byte in b"fq-begin-123\n" + sent:
        output.feed(bytes([byte]))
    # Nothing is withheld but what may become a marker.
    assert b"".join(passed) == sent
    output.feed(b"fq-end-123:7\r\nmore")
    assert output.status == 7
    assert b"".join(passed) == sent


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", [b"fq-end-123:", b"fq-end-12", b"f", b"\x00" * 100, b"fq-end-123:9999"])
def test_time_and_memory_are_in_proportion(piece: bytes) -> None:
    """With work for each byte that went before it would take hours."""
    output = Output("123", lambda _: None)
    for begin in (b"", b"fq-begin-123\n"):
        output.feed(begin)
        for _ in range(200_000):
            output.feed(piece)
            assert len(output._pending) < 100
    assert len(output.kept) <= 2 * KEPT_BESIDE_SINK


def test_too_much_output_is_interrupted(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framed_output, "LONGEST_OUTPUT", 100_000)
    with pytest.raises(KitError) as caught:
        shell.run("while :; do echo 0123456789012345678901234567890123456789; done")
    assert caught.value.code == "FQ-OUTPUT"
    assert len(caught.value.lines) == TAIL_LINES
    assert shell.run("echo fine").output == "fine\n"


def test_a_command_may_have_a_smaller_limit(shell: Shell) -> None:
    assert shell.run("echo 12345", limit=6).output == "12345\n"
    for line in ("echo 123456", "echo 123456 " + " " * 3000):
        with pytest.raises(KitError) as caught:
            shell.run(line, limit=6)
        assert caught.value.code == "FQ-OUTPUT"
    assert shell.run("echo fine").output == "fine\n"


def test_the_time_limit_holds_while_output_comes(shell: Shell) -> None:
    with pytest.raises(KitError) as caught:
        shell.run("while :; do echo line; done", timeout=0.5, sink=lambda _: None)
    assert caught.value.code == "FQ-TIMEOUT"
    assert shell.run("echo fine").output == "fine\n"


def test_a_channel_that_nobody_reads_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devkit.target.channel._MOST", 100_000)
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    theirs.settimeout(0.5)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 100_000_000:
            sent += theirs.send(bytes(50_000))
    assert channel._waiting < 200_000
    left = sent
    while left:
        left -= len(channel.take(5.0))
    theirs.close()
    with pytest.raises(EOF):
        channel.take(5.0)
    channel.close()


class Pieces:
    """A stream that has so many pieces of two bytes."""

    def __init__(self, count: int) -> None:
        self.left = count

    def recv(self, _: int) -> bytes:
        if not self.left:
            return b""
        self.left -= 1
        return bytes([self.left & 0xFF, self.left >> 8 & 0xFF])

    def settimeout(self, _: float) -> None: ...
    def shutdown(self, _: int) -> None: ...
    def close(self) -> None: ...


def test_small_pieces_take_no_more_memory_than_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devkit.target.channel._MOST", 100_000)
    count = 60_000
    channel = Channel(Pieces(count))  # type: ignore[arg-type]
    with channel._changed:
        assert channel._changed.wait_for(lambda: channel._waiting >= 100_000, timeout=30)
        kept = sum(sys.getsizeof(piece) + 8 for piece in channel._chunks)
    assert kept <= 100_000 + 100
    for _ in range(count):
        channel.take(5.0)
    assert channel._waiting <= 100
    channel.close()


def test_a_guest_that_talks_for_ever_is_no_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    shell = Shell(Channel(ours))
    ended = threading.Event()

    def talk() -> None:
        with contextlib.suppress(OSError):
            while not ended.is_set():
                theirs.send(b"fq-sync-0123456789ab\n" * 1000)

    thread = threading.Thread(target=talk)
    thread.start()
    with pytest.raises(KitError) as caught:
        shell.synchronize(0.5)
    assert caught.value.code == "FQ-CHANNEL"
    ended.set()
    shell.close()
    theirs.close()
    thread.join()


@pytest.fixture
def respawned() -> Iterator[Shell]:
    """A shell that is started again when it ends, as init does it in the target."""
    terminal = Terminal(["sh", "-c", f"trap : INT; while :; do {' '.join([*BUSYBOX, 'sh', '+i'])}; done"])
    shell = Shell(Channel(terminal.ours))
    assert shell.answered(shell.call(), 10)
    yield shell
    shell.close()
    terminal.close()


@pytest.mark.parametrize("after", ["", "; sleep 1; echo after", "; while :; do echo more; sleep 0.05; done"])
def test_a_shell_that_its_command_kills_is_noticed(
    after: str, respawned: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shells, "_FIRST_LOOK", 0.3)
    with pytest.raises(KitError) as caught:
        respawned.run(f"echo before; kill -9 $PPID{after}", timeout=60)
    assert caught.value.code == "FQ-CHANNEL"
    assert "is gone" in caught.value.what
    assert caught.value.lines[0] == "before"
    assert respawned.run("echo fine").output.splitlines()[-1] == "fine"


def test_a_shell_that_is_gone_is_not_taken_for_a_command_that_is_deaf(respawned: Shell) -> None:
    """With a time limit that ends before anybody looked, and where nothing may be sent."""
    with pytest.raises(KitError) as caught:
        respawned.run("echo before; kill -9 $PPID", timeout=1, quiet=True)
    assert (caught.value.code, caught.value.lines[0]) == ("FQ-CHANNEL", "before")
    assert "is gone" in caught.value.what
    assert respawned.run("echo fine").output.splitlines()[-1] == "fine"


def test_nothing_is_sent_to_a_target_that_is_to_be_left_alone(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shells, "_FIRST_LOOK", 0.1)
    sent: list[bytes] = []
    real = shell.channel.send

    def send(data: bytes, timeout: float) -> None:
        sent.append(data)
        real(data, timeout)

    monkeypatch.setattr(shell.channel, "send", send)
    shell.run("sleep 1", quiet=True)
    assert len(sent) == 1
    shell.run("sleep 1")
    assert len(sent) > 2


def test_the_time_limit_holds_while_the_target_takes_its_input_byte_by_byte() -> None:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
    channel = Channel(ours)
    shell = Shell(channel)
    taken, ended = bytearray(), threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            while not ended.wait(0.02):
                taken.extend(theirs.recv(100))

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(KitError) as caught:
        shell.run("x" * 200_000, timeout=1)
    assert caught.value.code == "FQ-CHANNEL"
    # It would have taken all, and more time.
    assert len(taken) < 100_000
    with pytest.raises(KitError, match="was lost before"):
        shell.run("true")
    ended.set()
    shell.close()
    theirs.close()
    thread.join()


def test_a_command_that_takes_long_keeps_its_shell(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shells, "_FIRST_LOOK", 0.1)
    assert shell.run("sleep 2; echo done; exit 3", sink=lambda _: None, passes=True).status == 3
    assert shell.run("cat; echo fine").output == "fine\n"


_PIECES = st.sampled_from(
    [b"fq-end-123:", b"fq-begin-123", b"\n", b"\r\n", b"0", b"17", b"new", b"fq-end-12", b"x"]
)


@given(st.lists(st.lists(_PIECES | st.binary(max_size=4), max_size=6), max_size=12))
def test_any_stream_in_any_pieces(pieces: list[list[bytes]]) -> None:
    """As one expression over the whole stream has it."""
    passed: list[bytes] = []
    output = Output("123", passed.append)
    sent = b""
    for piece in map(b"".join, pieces):
        if output.status is None and not output.other_shell:
            output.feed(piece)
            sent += piece
        assert len(output._pending) < 100
    begun = re.search(rb"fq-begin-123\r?\n", sent)
    body = sent[begun.end() :] if begun else b""
    ended = re.search(rb"fq-end-123:(\d{1,3}|new)\r?\n", body)
    shown = b"".join(passed)
    if ended:
        assert shown == body[: ended.start()]
        assert output.other_shell == (ended[1] == b"new")
        assert output.status == (None if output.other_shell else int(ended[1]))
    else:
        assert output.status is None
        assert body.startswith(shown)
        assert len(body) - len(shown) < 20
