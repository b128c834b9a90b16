# SPDX-License-Identifier: MIT
"""Entries of eve.json: what stays when times and flow numbers go."""

from __future__ import annotations

import json

from devkit.suricata import eve_log
from devkit.suricata.eve_log import Event

_ALERT: Event = {
    "timestamp": "2026-01-01T00:00:00",
    "flow_id": 12,
    "event_type": "alert",
    "alert": {"signature_id": 7, "action": "blocked"},
    "flow": {"pkts_toserver": 3, "start": "2026"},
}


def test_times_and_flow_numbers_go_at_any_depth() -> None:
    assert eve_log.lasting(_ALERT) == {
        "event_type": "alert",
        "alert": {"signature_id": 7, "action": "blocked"},
        "flow": {"pkts_toserver": 3},
    }


def test_entries_that_differ_in_more_than_times_stay_different() -> None:
    other = {**_ALERT, "alert": {"signature_id": 8, "action": "blocked"}}
    later = {**_ALERT, "timestamp": "2027", "flow_id": 99}
    assert eve_log.ordered([_ALERT]) == eve_log.ordered([later])
    assert eve_log.ordered([_ALERT]) != eve_log.ordered([other])
    assert eve_log.ordered([_ALERT, other]) != eve_log.ordered([other, _ALERT])


def test_a_line_that_is_just_being_written_is_left_out() -> None:
    line = json.dumps(_ALERT)
    assert eve_log.parse(f"{line}\n{line[:20]}") == [_ALERT]
    assert eve_log.parse("") == []


def test_rules_by_what_they_did() -> None:
    allowed = {"event_type": "alert", "alert": {"signature_id": 9, "action": "allowed"}}
    events: list[Event] = [_ALERT, allowed, {"event_type": "drop"}]
    assert eve_log.numbers(events, "blocked") == {7}
    assert eve_log.numbers(events, "allowed") == {9}
