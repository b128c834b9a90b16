# SPDX-License-Identifier: MIT
"""Requested kernel options that did not take are found and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.build import kconfig
from devkit.errors import KitError

RESULT = """\
#
# Automatically generated file; DO NOT EDIT.
#
CONFIG_NET=y
CONFIG_NETFILTER_NETLINK_QUEUE=m
CONFIG_HZ=250
CONFIG_LOCALVERSION=""
# CONFIG_SMP is not set
CONFIG_SWAP=y
"""


def test_all_taken() -> None:
    fragment = (
        '# words\nCONFIG_NET=y\nCONFIG_HZ=250\nCONFIG_LOCALVERSION=""\n# CONFIG_SMP is not set\n'
        "CONFIG_NETFILTER_NETLINK_QUEUE=m\n"
    )
    assert kconfig.not_taken(fragment, RESULT) == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("CONFIG_SMP=y", "CONFIG_SMP: asked for y, got n"),
        ("CONFIG_NET=m", "CONFIG_NET: asked for m, got y"),
        ("CONFIG_UNHEARD_OF=y", "CONFIG_UNHEARD_OF: asked for y, got n"),
        ("# CONFIG_SWAP is not set", "CONFIG_SWAP: asked for n, got y"),
        ("CONFIG_HZ=1000", "CONFIG_HZ: asked for 1000, got 250"),
    ],
)
def test_what_did_not_take_is_named(line: str, complaint: str) -> None:
    assert kconfig.not_taken(line, RESULT) == [complaint]


def test_an_unknown_option_that_is_to_be_off_is_fine() -> None:
    assert kconfig.not_taken("# CONFIG_UNHEARD_OF is not set", RESULT) == []


def test_check_raises_with_all_names(tmp_path: Path) -> None:
    fragment, result = tmp_path / "linux.config", tmp_path / ".config"
    fragment.write_text("CONFIG_SMP=y\nCONFIG_NET=y\nCONFIG_FOO=m\n")
    result.write_text(RESULT)
    with pytest.raises(KitError) as caught:
        kconfig.check(fragment, result)
    assert caught.value.code == "FQ-KCONFIG"
    assert caught.value.lines == ["CONFIG_SMP: asked for y, got n", "CONFIG_FOO: asked for m, got n"]
