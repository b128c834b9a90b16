# SPDX-License-Identifier: MIT
"""Kernels by name, and which linux-source is the newest."""

from __future__ import annotations

import pytest

from devkit.hardware import machine_profile
from devkit.host.errors import KitError
from devkit.image import kconfig, kernel_flavour, linux_source


def test_the_default_is_linux_config_alone() -> None:
    default = kernel_flavour.flavour(kernel_flavour.DEFAULT)
    assert [path.name for path in default.files] == ["linux.config"]
    assert (default.architecture, default.profile) == ("i386", "p3")


@pytest.mark.parametrize("one", kernel_flavour.VERSIONS + kernel_flavour.TESTING, ids=lambda one: one.name)
def test_fragments_and_profiles_are_there(one: kernel_flavour.Flavour) -> None:
    assert all(path.exists() for path in one.files)
    wide = one.architecture == "x86_64"
    assert machine_profile.load(one.profile).program == ("qemu-system-x86_64" if wide else "qemu-system-i386")


def test_the_real_time_kernel_also_checks_locks_and_contexts() -> None:
    wanted = kconfig.options(
        kconfig.merged([path.read_text() for path in kernel_flavour.flavour("rt").files])
    )
    assert [wanted[name] for name in ("CONFIG_PREEMPT_RT", "CONFIG_PROVE_LOCKING", "CONFIG_SMP")] == ["y"] * 3
    assert wanted["CONFIG_DEBUG_ATOMIC_SLEEP"] == "y"


def test_any_version_can_be_asked_for() -> None:
    assert kernel_flavour.flavour("6.6").version == "6.6"


def test_another_word_is_refused_with_what_there_is() -> None:
    with pytest.raises(KitError) as caught:
        kernel_flavour.flavour("kmsan")
    assert (caught.value.code, caught.value.status) == ("FQ-KERNEL", 2)
    assert "6.1, 6.12, newest, lockdep, kasan, kcsan, rt, coverage" in caught.value.remedy


def test_newest_is_by_number_not_by_letter() -> None:
    names = [
        "linux-source-6.9",
        "linux-source-6.12",
        "linux-source",
        "linux-source-6.12-rt",
        "linux-source-5.10",
    ]
    assert linux_source.newest(names) == "linux-source-6.12"
    assert linux_source.newest([]) is None
