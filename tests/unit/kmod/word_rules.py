# SPDX-License-Identifier: MIT
"""The rules of a frame's word as the kernel module has them: kmod/word.h, compiled and called by ctypes."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from ctypes import POINTER, Structure, byref, c_bool, c_uint16, c_uint32
from functools import cache
from pathlib import Path

KMOD = Path(__file__).parents[3] / "kmod"
_SOURCE = Path(__file__).with_name("word_rules.c")
_FLAGS = (
    "-shared", "-fPIC", "-O3", "-g", "-Wall", "-Wextra", "-Werror",
    "-fsanitize=undefined", "-fno-sanitize-recover=all",
)  # fmt: skip


class Answer(Structure):
    """``struct fastqueue_answer``: arguments of a word."""

    _fields_ = (
        ("mark", c_uint32),
        ("priority", c_uint32),
        ("len", c_uint32),
        ("queue", c_uint16),
        ("flags", c_uint16),
    )
    len: int
    flags: int


class Limits(Structure):
    """``struct fq_answer_limits``: facts about a frame that decide which arguments it may have."""

    _fields_ = (("frame_size", c_uint32), ("changeable", c_bool))


class Census(Structure):
    """How many of all 2**32 words are answers, and plain ones."""

    _fields_ = (("answers", c_uint32), ("plain", c_uint32))
    answers: int
    plain: int


_SIGNATURES = {
    "word_lap": (c_uint32, (c_uint32, c_uint32)),
    "word_verdict": (c_uint32, (c_uint32,)),
    "word_is_answer": (c_bool, (c_uint32, c_uint32)),
    "word_is_plain": (c_bool, (c_uint32,)),
    "word_plain_verdict": (c_uint32, (c_uint32,)),
    "answer_valid": (c_bool, (c_uint32, POINTER(Answer), POINTER(Limits))),
    "word_census": (Census, (c_uint32,)),
}


@cache
def _library() -> ctypes.CDLL:
    """Compile the rules for this machine, with checks of undefined behaviour, and load them."""
    with tempfile.TemporaryDirectory() as directory:
        library = Path(directory) / "word_rules.so"
        included = (f"-I{KMOD}", f"-I{KMOD}/include/uapi")
        argv = ["gcc", *_FLAGS, *included, str(_SOURCE), "-o", str(library)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        loaded = ctypes.CDLL(str(library))
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    return loaded


def word_lap(count: int, order: int) -> int:
    """Return the lap of frame ``count`` in a ring of ``1 << order`` frames, positioned as in a word."""
    return int(_library().word_lap(count, order))


def word_verdict(word: int) -> int:
    """Return the verdict of an answer."""
    return int(_library().word_verdict(word))


def word_is_answer(word: int, lap: int) -> bool:
    """Return whether a word is an answer to the packet of lap ``lap``, its arguments aside."""
    return bool(_library().word_is_answer(word, lap))


def word_is_plain(bits: int) -> bool:
    """Return whether a word, with the lap removed by exclusive or, is accept or drop without arguments."""
    return bool(_library().word_is_plain(bits))


def word_plain_verdict(word: int) -> int:
    """Return the verdict of a plain word."""
    return int(_library().word_plain_verdict(word))


def answer_valid(word: int, answer: Answer, frame_size: int, changeable: bool) -> bool:
    """Return whether the arguments fit the word and the frame."""
    return bool(_library().answer_valid(word, byref(answer), byref(Limits(frame_size, changeable))))


def word_census(lap: int) -> Census:
    """Return how many of all words answer the packet of lap ``lap``."""
    census = _library().word_census(lap)
    assert isinstance(census, Census)
    return census
