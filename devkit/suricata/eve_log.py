# SPDX-License-Identifier: MIT
"""What Suricata found: its eve.json, entry by entry, without what differs from run to run."""

from __future__ import annotations

import json
from typing import Any

Event = dict[str, Any]

#: Times, and the flow's number, which is drawn by lot.
_VARYING = ("timestamp", "flow_id", "start", "end")


def parse(text: str) -> list[Event]:
    """Return the entries of an eve.json, in their order; a last line that is cut is left out."""
    whole = text[: text.rfind("\n") + 1]
    return [json.loads(line) for line in whole.splitlines()]


def lasting(event: Event) -> Event:
    """Return an entry without times and the flow's number, at any depth."""
    return {name: _inner(value) for name, value in event.items() if name not in _VARYING}


def _inner(value: object) -> object:
    if isinstance(value, dict):
        return lasting(value)
    return [_inner(one) for one in value] if isinstance(value, list) else value


def ordered(events: list[Event]) -> list[str]:
    """Return entries as text that can be compared, one by one, in the order they were written."""
    return [json.dumps(lasting(event), sort_keys=True) for event in events]


def numbers(events: list[Event], action: str) -> set[int]:
    """Return the rules (sid) that alerted with ``action``: ``allowed`` or ``blocked``."""
    found = (event["alert"] for event in events if event.get("event_type") == "alert")
    return {alert["signature_id"] for alert in found if alert["action"] == action}
