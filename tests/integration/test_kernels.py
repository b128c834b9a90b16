# SPDX-License-Identifier: MIT
"""One source for every kernel: the module compiles without a warning for those that are not booted here.

`./inv test --kernel=NAME` boots them. Compiling needs only their headers, which takes a minute each.
"""

from __future__ import annotations

import pytest

from devkit.build import flavour
from devkit.build.kernel import headers
from devkit.build.module import module

OTHERS = [one for one in flavour.VERSIONS + flavour.DEBUG if one.name in {"6.1", "newest", "kasan"}]


@pytest.mark.timeout(1500)  # two archives of 150 MB, unpacked; what is not cached yet takes its time
@pytest.mark.parametrize("other", OTHERS, ids=lambda one: one.name)
def test_module_compiles(other: flavour.Flavour) -> None:
    built = module(headers(other), symbols=False)
    assert (built / "fastqueue.ko").read_bytes().startswith(b"\x7fELF")
