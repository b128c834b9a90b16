# SPDX-License-Identifier: MIT
"""One source for every kernel: the module compiles without a warning for those that are not booted here.

`./inv test --kernel=NAME` boots them. Compiling needs only their headers, which takes a minute each.
"""

from __future__ import annotations

import pytest

from devkit.image import kernel_flavour
from devkit.image.kernel import build_headers
from devkit.image.kernel_module import build_module

OTHERS = [
    one for one in kernel_flavour.VERSIONS + kernel_flavour.DEBUG if one.name in {"6.1", "newest", "kasan"}
]


@pytest.mark.timeout(1500)  # two archives of 150 MB, unpacked; what is not cached yet takes its time
@pytest.mark.parametrize("other", OTHERS, ids=lambda one: one.name)
def test_module_compiles(other: kernel_flavour.Flavour) -> None:
    built = build_module(build_headers(other), symbols=False)
    assert (built / "fastqueue.ko").read_bytes().startswith(b"\x7fELF")
