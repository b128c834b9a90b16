# SPDX-License-Identifier: MIT
"""No escape sequence of a guest, a log, a package or a disk label reaches the user's terminal."""

from __future__ import annotations

import io
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from devkit.flash import device_listing, transfer_progress
from devkit.flash.block_device import Device
from devkit.host import progress
from devkit.host.errors import KitError
from devkit.host.terminal_text import ConsoleFilter, Decoder, one_line, printable
from devkit.target.kernel_log import KernelLog

HOSTILE = "a\x1b]0;title\x07\x1b[2J\x9b2J\x08\r\u202eb\x7f"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    shown = io.StringIO()
    monkeypatch.setattr(progress.console, "_file", shown)
    return shown


def test_controls_become_codes_and_text_stays() -> None:
    assert printable("ä\t✓\n") == "ä\t✓\n"
    assert printable("\x1b[2J\x9b") == "\\x1b[2J\\x9b"
    assert printable("\u202e") == "\\u202e"
    assert one_line("a\nb\tc") == "a\\x0ab\\x09c"


def test_news(screen: io.StringIO) -> None:
    progress.say(HOSTILE)
    with progress.stage(HOSTILE):
        pass
    assert not CONTROLS.search(screen.getvalue())
    assert "title" in screen.getvalue()


def test_tables(screen: io.StringIO) -> None:
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    progress.console.print(table)
    assert screen.getvalue().count("title") == 3
    assert not CONTROLS.search(screen.getvalue())


#: What rich would take as a link, a colour, the end of a tag that never began, an emoji.
MARKUP = ("[link=http://x]a[/link]", "[red]a", "[/nope]", "a \\[b]", ":smiley:")


@pytest.mark.parametrize("text", MARKUP)
@pytest.mark.parametrize("terminal", [False, True])
def test_markup_of_others_is_text(
    screen: io.StringIO, monkeypatch: pytest.MonkeyPatch, text: str, terminal: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress.console, "_force_terminal", terminal)
    monkeypatch.setattr(progress.console, "is_interactive", terminal)
    table = Table(title=text)
    table.add_column(text)
    table.add_row(text)
    progress.console.print(table)
    progress.console.print(text)
    progress.say(text)
    with progress.stage(text):
        # Rich draws what is under way a moment later.
        assert not terminal or _comes(screen, text, 6)
    with transfer_progress.phase(text, 1) as advance:
        advance(1)
    assert screen.getvalue().count(text) >= (9 if terminal else 7)
    assert "\x1b]8" not in screen.getvalue()


def _comes(screen: io.StringIO, text: str, count: int) -> bool:
    deadline = time.monotonic() + 30
    while screen.getvalue().count(text) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return screen.getvalue().count(text) >= count


def test_errors() -> None:
    error = KitError("FQ-TARGET", HOSTILE, HOSTILE, lines=[HOSTILE, "two\nlines"])
    assert not CONTROLS.search(str(error))
    assert "    | two\\x0alines\n" in str(error)


def test_logs(tmp_path: object) -> None:
    class Log(KernelLog):
        def read(self, since: int = 0) -> tuple[int, bytes]:
            return 0, f"BUG: {HOSTILE}\n".encode()

    log = Log.__new__(Log)
    assert not CONTROLS.search(log.text())
    assert len(log.complaints()) == 1


def test_labels_and_names_of_disks() -> None:
    label = "x\nCould be written to:\n\x1b[2J"
    part = Device("sdz1", "/dev/sdz1", "8:1", "part", 10**6, label=label, filesystem="ext4")
    device = Device("sdz", "/dev/sdz", "8:0", "disk", 10**7, model=HOSTILE, serial=HOSTILE, children=(part,))
    for line in device_listing.portrait(device):
        assert not CONTROLS.search(line)
        assert "\n" not in line


@given(st.lists(st.binary(max_size=20)))
def test_pieces_of_output_are_printable(pieces: list[bytes]) -> None:
    decoder = Decoder()
    text = "".join(map(decoder.feed, pieces)) + decoder.feed(b"", last=True)
    whole = b"".join(pieces).decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    assert text == printable(whole)


#: Strings for the terminal, C1 controls in either form, and each sequence that is not one of cursor,
#: colours, parts of the screen or the few modes.
_FORBIDDEN = re.compile(
    "\x1b[\\]P_^X]|[\x00-\x06\x0e-\x1a\x80-\x9f]|\x1b\\[(?![0-9;:]*[@A-HJ-MPSTXZ`abdefmr])"
    "(?!\\?(?:1|7|25|47|1047|1048|1049|2004|;)+[hl])|\x1b(?![\\[(78DEM=>])|\x1b\\((?![0B])"
)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"plain \xc3\xa4\r\n\t\x08\x07", b"plain \xc3\xa4\r\n\t\x08\x07"),
        (b"\x1b[1;31mred\x1b[0m\x1b[2K\x1b[5A\x1b[?25l", b"\x1b[1;31mred\x1b[0m\x1b[2K\x1b[5A\x1b[?25l"),
        (b"\x1b[38:2::1:2:3m\x1b[2S\x1b[?1049;1h\x1b(0", b"\x1b[38:2::1:2:3m\x1b[2S\x1b[?1049;1h\x1b(0"),
        (b"a\x1b]0;title\x07b", b"ab"),
        (b"a\x1b]52;c;cm0=\x1b\\b", b"ab"),
        (b"a\x1bP$q\x1b\\b", b"ab"),
        (b"a\x1b[6nb\x1b[cb\x1b[>cb\x1b[21tb", b"abbbb"),
        (b"a\x05\x0e\x00b", b"ab"),
        (b"\x1b7\x1b[r\x1b8\x1b(B", b"\x1b7\x1b[r\x1b8\x1b(B"),
        # Keys that are sent in another way: Ctrl-] would not be known any more.
        (b"a\x1b[>4;2mb\x1b[>1ub\x1b[=1ub\x1b[<ub\x1b[?9001hb", b"abbbbb"),
        # The mouse, the focus, insert mode, locked keys; more than one mode in a sequence.
        (b"a\x1b[?1003hb\x1b[?1004hb\x1b[4hb\x1b[2hb\x1b[?25;1003hb", b"abbbbb"),
        # Resets, graphics, the scroll-back, tab stops, other character sets.
        (b"a\x1b[!pb\x1bcb\x1b[?1;1;0Sb\x1b[1;2;3;4;5Tb\x1b[3Jb", b"abbbbb"),
        (b"a\x1b[3gb\x1bHb\x1b%@b\x1b)0b\x1b#8b", b"abbbbb"),
        # 8-bit controls, alone and as UTF-8 has them.
        (b"a\x9b5nb", b"a\xef\xbf\xbd5nb"),
        (b"a\xc2\x9b5nb\xc2", b"a5nb"),
        (b"\xe2\x82\xac\xe2\x82x", b"\xe2\x82\xac\xef\xbf\xbdx"),
        # A sequence that another one, or a line end, cuts off.
        (b"a\x1b[1\x1b[>4;2mb\x1b[2\nb", b"ab\nb"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_the_console_has_colours_and_no_power(sent: bytes, shown: bytes, size: int) -> None:
    console = ConsoleFilter()
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert b"".join(map(console.feed, pieces)) == shown


def test_a_terminal_that_is_not_utf_8_gets_no_controls_either() -> None:
    # U+00DB is C3 9B in UTF-8, and 9B is a control there.
    assert ConsoleFilter("iso-8859-1").feed(b"\xc3\x9b\xe2\x82\xac") == b"\xdb?"


def test_the_alternate_screen_is_left_where_it_was_entered() -> None:
    console = ConsoleFilter()
    assert b"1049" not in console.leave()
    console.feed(b"\x1b[?1;1049h")
    assert console.leave().startswith(b"\x1b[?1049l")
    console.feed(b"\x1b[?1049l")
    assert b"1049" not in console.leave()


_PARTS = st.sampled_from(
    [b"\x1b", b"\x1b[", b"?25", *(bytes([one]) for one in b"[]0;P\\\x07\xc2\x9bmnch>?!(S")]
)


@given(st.lists(st.lists(_PARTS | st.binary(max_size=3), max_size=8)))
def test_nothing_forbidden_comes_through_in_any_pieces(pieces: list[list[bytes]]) -> None:
    console = ConsoleFilter()
    shown = b"".join(console.feed(b"".join(piece)) for piece in pieces)
    assert not _FORBIDDEN.search(shown.decode()), shown
    assert len(console._rest) < 70
