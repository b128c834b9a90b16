# SPDX-License-Identifier: MIT
"""Handlers that look at nothing: accept everything (the paper's NULL handler), or drop everything."""

from __future__ import annotations

from .. import abi
from ..frame import Frame
from ..queue import Queue


class Null:
    """Lets every packet go on: what is left is the cost of the queue itself."""

    def serve(self, queue: Queue) -> None:
        """Accept batches until the kernel closes the queue."""
        queue.answer_all(abi.ANSWER_ACCEPT)

    def frame(self, frame: Frame) -> None:
        """Accept one frame."""
        frame.answer(abi.ANSWER_ACCEPT)


class Drop:
    """Throws every packet away."""

    def serve(self, queue: Queue) -> None:
        """Drop batches until the kernel closes the queue."""
        queue.answer_all(abi.ANSWER_DROP)

    def frame(self, frame: Frame) -> None:
        """Drop one frame."""
        frame.answer(abi.ANSWER_DROP)
