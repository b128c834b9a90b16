# SPDX-License-Identifier: MIT
"""libdaq 2 by ctypes: its public calls, as Snort makes them."""

import ctypes
import os
import time
from collections.abc import Callable
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_int,
    c_int32,
    c_long,
    c_uint,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
    string_at,
)
from pathlib import Path

MODULE = os.environ["DAQ_MODULE"]
FOLDERS = os.environ["DAQ_FOLDERS"].split(":")
_PATIENCE = 30.0  # s

PASS, BLOCK, REPLACE, WHITELIST, BLACKLIST, IGNORE, RETRY = range(7)
PASSIVE, INLINE, READ_FILE = range(3)
STATES = ("uninitialized", "initialized", "started", "stopped", "unknown")
CAPABILITIES = (
    "block", "replace", "inject", "whitelist", "blacklist", "unpriv start", "breakloop", "bpf",
    "device index", "inject raw", "retry",
)  # fmt: skip


class Config(Structure):
    """DAQ_Config_t."""

    _fields_ = (
        ("name", c_char_p),
        ("snaplen", c_int),
        ("timeout", c_uint),
        ("mode", c_int),
        ("flags", c_uint32),
        ("values", c_void_p),
        ("extra", c_char_p),
    )


class PktHdr(Structure):
    """DAQ_PktHdr_t."""

    _fields_ = (
        ("sec", c_long),
        ("usec", c_long),
        ("caplen", c_uint32),
        ("pktlen", c_uint32),
        ("ingress_index", c_int32),
        ("egress_index", c_int32),
        ("ingress_group", c_int32),
        ("egress_group", c_int32),
        ("flags", c_uint32),
        ("opaque", c_uint32),
        ("priv_ptr", c_void_p),
        ("flow_id", c_uint32),
        ("address_space_id", c_uint16),
    )


class Stats(Structure):
    """DAQ_Stats_t."""

    _fields_ = (
        ("hw_packets_received", c_uint64),
        ("hw_packets_dropped", c_uint64),
        ("packets_received", c_uint64),
        ("packets_filtered", c_uint64),
        ("packets_injected", c_uint64),
        ("verdicts", c_uint64 * 7),
    )


ANALYSIS = CFUNCTYPE(c_int, c_void_p, POINTER(PktHdr), c_void_p)
_DAQ = ctypes.CDLL("libdaq.so.2")
_DAQ.daq_find_module.restype = c_void_p
_DAQ.daq_find_module.argtypes = (c_char_p,)
_DAQ.daq_initialize.argtypes = (c_void_p, POINTER(Config), POINTER(c_void_p), c_char_p, ctypes.c_size_t)
_DAQ.daq_set_filter.argtypes = (c_void_p, c_void_p, c_char_p)
_DAQ.daq_acquire.argtypes = (c_void_p, c_void_p, c_int, ANALYSIS, c_void_p)
_DAQ.daq_inject.argtypes = (c_void_p, c_void_p, POINTER(PktHdr), c_char_p, c_uint32, c_int)
_DAQ.daq_get_stats.argtypes = (c_void_p, c_void_p, POINTER(Stats))
_DAQ.daq_get_error.restype = c_char_p
_DAQ.daq_get_capabilities.restype = c_uint32
_DAQ.daq_get_type.restype = c_uint32
_DAQ.daq_get_type.argtypes = (c_void_p,)
for _name in (
    "start", "breakloop", "stop", "shutdown", "check_status", "reset_stats", "get_snaplen",
    "get_capabilities", "get_datalink_type", "get_error", "clear_error",
):  # fmt: skip
    getattr(_DAQ, f"daq_{_name}").argtypes = (c_void_p, c_void_p)


def load() -> int:
    """Load the modules of the folders; return the library's answer."""
    paths = (c_char_p * (len(FOLDERS) + 1))(*(folder.encode() for folder in FOLDERS), None)
    return int(_DAQ.daq_load_modules(paths))


class Source:
    """An instance of the module under test; ``on_packet`` gives the verdict."""

    def __init__(self, *words: str, mode: int = INLINE, snaplen: int = 65535, timeout: int = 200) -> None:
        """``words`` are ``name=value`` or ``name``, as for Snort's --daq-var."""
        load()
        self.module = c_void_p(_DAQ.daq_find_module(MODULE.encode()))
        self.handle = c_void_p()
        self.seen: list[tuple[bytes, PktHdr]] = []
        self.on_packet: Callable[[bytes, int], int] = lambda data, where: PASS
        self._analysis = ANALYSIS(self._analyse)  # kept: C has a pointer to it
        config = Config(name=None, snaplen=snaplen, timeout=timeout, mode=mode)
        for word in words:
            name, equals, value = word.encode().partition(b"=")
            _DAQ.daq_config_set_value(byref(config), name, value if equals else None)
        error = ctypes.create_string_buffer(256)
        self.status = _DAQ.daq_initialize(self.module, byref(config), byref(self.handle), error, 256)
        self.error = error.value.decode()

    def _analyse(self, _user: int, header: "ctypes._Pointer[PktHdr]", where: int) -> int:
        copy = PktHdr.from_buffer_copy(header.contents)
        data = string_at(where, copy.caplen)
        self.seen.append((data, copy))
        return self.on_packet(data, where)

    def call(self, name: str, *arguments: object) -> int:
        """Call a function of the instance, ``daq_NAME``."""
        return int(getattr(_DAQ, f"daq_{name}")(self.module, self.handle, *arguments))

    def acquire(self, count: int = 0) -> int:
        """Acquire, until ``count`` packets came or the time is over."""
        return self.call("acquire", count, self._analysis, None)

    def acquire_all(self, number: int) -> None:
        """Acquire until ``number`` packets came in all."""
        self.acquire(number - len(self.seen))

    def inject(self, data: bytes, reverse: int = 0) -> int:
        """Inject a packet that goes the way of the last one, or back."""
        return self.call("inject", byref(self.seen[-1][1]), data, len(data), reverse)

    def stats(self) -> dict[str, object]:
        """Return the counters."""
        found = Stats()
        self.call("get_stats", byref(found))
        names = [name for name, _ in Stats._fields_[:-1]]
        return {**{name: getattr(found, name) for name in names}, "verdicts": list(found.verdicts)}

    def state(self) -> str:
        """Return the module's state."""
        return STATES[self.call("check_status")]

    def capabilities(self) -> list[str]:
        """Return the names of what the instance says it can do."""
        bits = self.call("get_capabilities")
        return [name for place, name in enumerate(CAPABILITIES) if bits >> place & 1]

    def kind(self) -> int:
        """Return the module's type flags."""
        return int(_DAQ.daq_get_type(self.module))

    def said(self) -> str:
        """Return the instance's last error."""
        return (_DAQ.daq_get_error(self.module, self.handle) or b"").decode()


def complete_udp(packet: bytearray) -> None:
    """Compute the checksum of a UDP packet over IPv4 without options or IPv6, in place."""
    at, addresses = (20, 12) if packet[0] >> 4 == 4 else (40, 8)
    packet[at + 6 : at + 8] = bytes(2)
    data = packet[addresses:] + bytes(len(packet) % 2)
    total = sum(int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2))
    total += len(packet) - at + 17  # of the pseudo header
    total = (total & 0xFFFF) + (total >> 16)
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    packet[at + 6 : at + 8] = (total or 0xFFFF).to_bytes(2, "big")


def ready(number: int) -> None:
    """Wait until the queue is in the kernel's list."""
    tables = [Path("/proc/net/fastqueue"), Path("/proc/net/netfilter/nfnetlink_queue")]
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        rows = [row.split() for table in tables if table.exists() for row in table.read_text().splitlines()]
        if any(row[0] == str(number) for row in rows):
            return
        time.sleep(0.01)
    raise RuntimeError(f"queue {number} is not there")
