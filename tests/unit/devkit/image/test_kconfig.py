# SPDX-License-Identifier: MIT
"""Requested kernel options that did not take are found and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.host.errors import KitError
from devkit.image import kconfig

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
    fragment = "CONFIG_SMP=y\nCONFIG_NET=y\nCONFIG_FOO=m\n"
    with pytest.raises(KitError) as caught:
        kconfig.check(fragment, RESULT, "linux.config", tmp_path / "kernel.log")
    assert caught.value.code == "FQ-KCONFIG"
    assert "linux.config" in caught.value.what
    assert caught.value.lines == ["CONFIG_SMP: asked for y, got n", "CONFIG_FOO: asked for m, got n"]


def test_of_fragments_that_differ_the_last_counts() -> None:
    fragments = ["# CONFIG_SMP is not set\nCONFIG_NET=y\n", "CONFIG_SMP=y\n# CONFIG_FOO is not set\n"]
    assert kconfig.merged(fragments) == "CONFIG_SMP=y\nCONFIG_NET=y\n# CONFIG_FOO is not set\n"


def test_one_fragment_stays_as_it_is() -> None:
    assert kconfig.merged(["# words\nCONFIG_NET=y\n"]) == "# words\nCONFIG_NET=y\n"
