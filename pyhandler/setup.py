# SPDX-License-Identifier: MIT
"""The C extension, which may be missing: without a compiler, plain Python does the same."""

from pathlib import Path

from setuptools import Extension, setup

FOLDER = Path(__file__).parent / "ext"

setup(
    ext_modules=[
        Extension(
            "fastqueue._ring",
            sources=[f"ext/{path.name}" for path in sorted(FOLDER.glob("*.c"))],
            depends=["ext/ring.h"],
            extra_compile_args=["-fvisibility=hidden"],
            optional=True,
        )
    ]
)
