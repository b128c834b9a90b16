# SPDX-License-Identifier: MIT
"""Packet handlers: what decides about the packets of a queue."""

from .base import Handler
from .fivetuple import FiveTuple
from .null import Drop, Null
from .payload import Payload

__all__ = ["Drop", "FiveTuple", "Handler", "Null", "Payload"]
