# SPDX-License-Identifier: MIT
"""The kit's rules for Suricata: the table rules.txt, and the rules that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("rules.txt")
#: Number (sid) of the first rule.
FIRST = 1_000_001

#: Of each class: its words in the alerts, and how bad it is (1: worst).
CLASSES = {
    "exploit": ("Exploit of a service", 1),
    "malware": ("Malware or its control", 1),
    "sql": ("SQL put into a request", 1),
    "script": ("Script put into a request", 2),
    "leak": ("Data that should stay", 2),
    "probe": ("Somebody looks around", 3),
    "policy": ("Not wanted here", 3),
}
_ANY = "any any -> any"


@dataclass(frozen=True)
class Rule:
    """One line for Suricata.

    action:  ``drop`` or ``alert``
    family:  a key of CLASSES
    place:   what is looked at: ``http.host``, ``udp``
    port:    of the destination, 0 for any
    content: the bytes that are looked for
    """

    number: int
    action: str
    family: str
    place: str
    port: int
    content: bytes

    def __str__(self) -> str:
        """As Suricata reads it."""
        protocol, _, buffer = self.place.partition(".")
        port = self.port if self.port and protocol in ("tcp", "udp") else "any"
        options = [f'msg:"{CLASSES[self.family][0]}: {self.place}, rule {self.number}"']
        options += _options(protocol, buffer, self.content)
        options += [f"classtype:{self.family}", f"sid:{self.number}", "rev:1"]
        return f"{self.action} {protocol} {_ANY} {port} ({'; '.join(options)};)"


def _options(protocol: str, buffer: str, content: bytes) -> list[str]:
    content_option = f'content:"{escaped(content)}"'
    match protocol:
        case "http":
            way = "to_client" if buffer == "response_body" else "to_server"
            exact = ("host", "method", "request_body", "response_body")  # hosts come in small letters
            nocase = [] if buffer in exact else ["nocase"]
            return [f"flow:established,{way}", f"http.{buffer}", content_option, *nocase]
        case "dns" | "tls":
            return [f"{protocol}.{buffer}", content_option, "nocase"]
        case "tcp":
            return ["flow:established,to_server", content_option]
        case _:
            return [content_option]


def escaped(content: bytes) -> str:
    """Return bytes as a rule's content has them: in hexadecimal all but letters, digits and a few more."""
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-"
    return "".join(chr(byte) if byte in plain else f"|{byte:02x}|" for byte in content)


def rules(table: Path = TABLE) -> list[Rule]:
    """Return all rules of the table; ValueError names a line with a word that it cannot have."""
    return [Rule(FIRST + place, *line) for place, line in enumerate(_lines(table))]


def _lines(table: Path) -> Iterator[tuple[str, str, str, int, bytes]]:
    for line in table.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        action, family, place, port, *contents = words
        if action not in ("drop", "alert") or family not in CLASSES or not contents:
            raise ValueError(f"{table.name}: {line}")
        for content in contents:
            raw = content.encode("latin-1").decode("unicode_escape").encode("latin-1")
            yield action, family, place, 0 if port == "-" else int(port), raw


def rule_file(found: list[Rule] | None = None, more: tuple[str, ...] = ()) -> str:
    """Return the file that Suricata reads; ``more`` are rules as Suricata has them."""
    return "".join(f"{rule}\n" for rule in (*(rules() if found is None else found), *more))


def classification() -> str:
    """Return Suricata's classification.config for CLASSES."""
    lines = (f"config classification: {name},{words},{bad}" for name, (words, bad) in CLASSES.items())
    return "".join(f"{line}\n" for line in lines)
