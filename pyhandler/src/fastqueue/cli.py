# SPDX-License-Identifier: MIT
"""Command line: ``python3 -m fastqueue run``, ``stat`` and ``top``.

Exit status: 0 done (also when a signal ends ``run``, or q or Ctrl-C ``top``), 1 the queue cannot be
used, the module is not there or nothing can be written, 2 wrong arguments, rules or environment,
130 interrupted while starting, 141 whoever read the output went away.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from . import __version__, backend
from .errors import QueueError
from .handlers import Drop, FiveTuple, Handler, Null, Payload
from .loading import Loading
from .options import RingOptions
from .proc import format_status, read_status
from .room import fit, room
from .rules import RulesError, read_fivetuple_rules, read_payload_rules
from .run import run_handler
from .words import seconds, times, whole

_RULE_FORMATS = """rules, one a line, the first that matches decides, # begins a comment:
  fivetuple  drop|accept [proto tcp|udp|icmp|icmpv6|any] [src ADDR[/LEN]] [dst ADDR[/LEN]]
                         [sport N[-M]] [dport N[-M]]
  payload    drop|accept /REGEX/[i] [first N] [proto ...] [port N[-M]]
  both       default accept|drop
exit status: 0 ended by a signal, 1 the queue cannot be used, 2 wrong arguments or rules"""
_SHOW_STATUS = "exit status: 0 shown, 1 the module is not loaded, 2 wrong arguments"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    try:
        parser = _parser(backend.current.name)
    except ImportError as error:
        print(f"fastqueue: {error}", file=sys.stderr)
        return 2
    return _do(parser.parse_args(arguments))


def _do(options: argparse.Namespace) -> int:
    """Run a command and return the exit status."""
    try:
        status = int(options.command(options))
        if sys.stdout is not None:  # closed by whoever called us
            sys.stdout.flush()  # here an error still has somebody who tells it
        return status
    except BrokenPipeError:
        _silence()
        return 141
    except OSError as error:
        _silence()
        print(f"fastqueue: {error}", file=sys.stderr)
        return 1
    except RulesError as error:
        print(error, file=sys.stderr)
        return 2
    except QueueError as error:
        print(f"fastqueue: {error}", file=sys.stderr)
        return 2 if error.errno == errno.EINVAL else 1
    except KeyboardInterrupt:
        return 130


def _silence() -> None:
    """Let what is still to be written go nowhere, or Python complains of it when it ends."""
    with suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(options: argparse.Namespace) -> int:
    handler = _HANDLERS[options.handler](options)
    usual = RingOptions(options.queue)
    request = usual.changed(
        frames=options.frames,
        frame_size=options.frame_size,
        copy_range=options.copy_range,
        default_action=options.default,
        period_us=options.period_us,
        timeout_ms=options.timeout_ms,
        timer_only=options.timer_only,
        gso=options.gso,
    )
    needs = getattr(handler, "needs", 0)
    request = fit(request, needs, size=options.frame_size is None, frames=options.frames is None)
    run_handler(handler, request, one_by_one=options.one_by_one)
    return 0


def _fivetuple(options: argparse.Namespace) -> Handler:
    with Loading(options.rules) as progress:
        rules = read_fivetuple_rules(options.rules, progress=progress)
    handler = FiveTuple(rules)
    left = room(options.frame_size, options.copy_range)
    if left.size < handler.needs:
        raise RulesError(
            options.rules, 0, f"{left.option} {left.size}", f"{left.option} {handler.needs} or more"
        )
    return handler


def _payload(options: argparse.Namespace) -> Handler:
    left = room(options.frame_size, options.copy_range)
    with Loading(options.rules) as progress:
        return Payload(read_payload_rules(options.rules, room=left, progress=progress))


def _stat(options: argparse.Namespace) -> int:
    import json  # only here: every module costs a slow machine time to start

    rows = read_status()
    print(json.dumps(rows, indent=2) if options.json else format_status(rows))
    return 0


def _top(options: argparse.Namespace) -> int:
    from .top import top

    with suppress(KeyboardInterrupt):
        top(options.interval, options.times)
    return 0


_HANDLERS: dict[str, Callable[[argparse.Namespace], Handler]] = {
    "null": lambda options: Null(),
    "drop": lambda options: Drop(),
    "fivetuple": _fivetuple,
    "payload": _payload,
}


def _parser(implementation_name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m fastqueue", description="Fast Queue packet handlers.")
    parser.add_argument(
        "--version", action="version", version=f"fastqueue {__version__}, {implementation_name}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="handle the packets of a queue",
        epilog=_RULE_FORMATS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.set_defaults(command=_run)
    _add_ring_options(run)
    _add_handlers(run)
    stat = commands.add_parser("stat", help="show all queues of this network namespace", epilog=_SHOW_STATUS)
    stat.add_argument("--json", action="store_true", help="for programs, with the kernel's names")
    stat.set_defaults(command=_stat)
    top = commands.add_parser(
        "top", help="show what all queues do, in packets a second; q ends", epilog=_SHOW_STATUS
    )
    top.add_argument(
        "--interval", type=seconds, default=1.0, metavar="S", help="seconds between looks (default 1)"
    )
    top.add_argument("--times", type=times, metavar="N", help="end after so many looks")
    top.set_defaults(command=_top)
    return parser


def _add_ring_options(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Add what a ring is asked with; ``again``: behind the handler: what is not said changes nothing."""
    ring = RingOptions(queue=0)

    def default(value: object) -> object:
        return argparse.SUPPRESS if again else value

    def number(name: str, value: int, text: str, *, fits: bool = False) -> None:
        text = f"{text} (default {value}{', or what the rules need' if fits else ''})"
        given = default(None if fits else value)
        parser.add_argument(name, type=whole, default=given, metavar="N", help=text)

    number("--queue", ring.queue, "queue number of the netfilter rule")
    number("--frames", ring.frames, "frames in the ring, a power of two", fits=True)
    number("--frame-size", ring.frame_size, "bytes per frame, a multiple of 64", fits=True)
    number("--copy-range", ring.copy_range, "bytes of a packet to copy, 0: the frame's size")
    number("--period-us", ring.period_us, "period of the sender's timer, 0: 1000")
    number("--timeout-ms", ring.timeout_ms, "time limit of an unanswered frame, 0: none")
    parser.add_argument(
        "--default",
        choices=("accept", "drop"),
        default=default(ring.default_action),
        help=f"for packets that no handler decides about (default {ring.default_action})",
    )
    style = parser.add_mutually_exclusive_group()
    for add, name, text in (
        (parser.add_argument, "--timer-only", "the paper's mode: settle on the timer alone"),
        (parser.add_argument, "--gso", "take GSO packets whole"),
        (style.add_argument, "--one-by-one", "answer each frame by itself"),
    ):
        add(name, action="store_true", default=default(False), help=text)
    style.add_argument(
        "--batch",
        dest="one_by_one",
        action="store_false",
        default=default(False),
        help="answer all at once (default)",
    )


def _add_handlers(run: argparse.ArgumentParser) -> None:
    handlers = run.add_subparsers(dest="handler", required=True, metavar="null|drop|fivetuple|payload")
    for name, text, rules in (
        ("null", "accept everything", False),
        ("drop", "drop everything", False),
        ("fivetuple", "by addresses, ports, protocol", True),
        ("payload", "by regular expressions on contents", True),
    ):
        handler = handlers.add_parser(name, help=text)
        if rules:
            handler.add_argument("rules", metavar="RULES", help="rule file")
        _add_ring_options(handler, again=True)
