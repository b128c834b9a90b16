# SPDX-License-Identifier: MIT
"""sparse and Coccinelle find faults that are planted in the module, and nothing in the module as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from devkit.image import kernel_flavour, linux_source
from devkit.image.kernel import compiled_against
from devkit.image.kernel_module import SOURCE
from devkit.static_checks import c_analysis

PLANTED = """
#include <linux/ip.h>
#include <linux/slab.h>

static DEFINE_SPINLOCK(planted);

int planted_user(const int __user *number);
int planted_user(const int __user *number)
{
	return *number;			/* user memory */
}

int planted_order(const struct iphdr *header);
int planted_order(const struct iphdr *header)
{
	return header->tot_len + 1;	/* network byte order */
}

int planted_lock(int number);
int planted_lock(int number)
{
	spin_lock(&planted);
	if (number)
		return -EINVAL;		/* still locked */
	spin_unlock(&planted);
	return 0;
}

int planted_free(int *number);
int planted_free(int *number)
{
	kfree(number);
	return *number;			/* after free */
}

int planted_size(void);
int planted_size(void)
{
	int *numbers = kmalloc(sizeof(numbers), GFP_KERNEL);	/* size of a pointer */

	if (IS_ERR(numbers))		/* null, no error */
		return PTR_ERR(numbers);
	kfree(numbers);
	return 0;
}
"""


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """The module with faults at the end of log.c."""
    copy = shutil.copytree(SOURCE, tmp_path / "kmod", ignore=shutil.ignore_patterns("*.o", ".*"))
    with (copy / "log.c").open("a") as file:
        file.write(PLANTED)
    return copy


def _line(planted: Path, remark: str) -> str:
    lines = (planted / "log.c").read_text().splitlines()
    (number,) = (number for number, line in enumerate(lines, 1) if f"/* {remark} */" in line)
    return f"log.c:{number}:"


@pytest.mark.timeout(900)  # without a built kernel its headers are prepared
def test_sparse_finds_planted_faults(planted: Path) -> None:
    kernel = compiled_against(kernel_flavour.flavour(kernel_flavour.DEFAULT))
    found = c_analysis.sparse(kernel, planted)
    assert _line(planted, "user memory") in found
    assert _line(planted, "network byte order") in found
    assert "context imbalance in 'planted_lock'" in found
    assert c_analysis.sparse(kernel) == ""


def test_semantic_patches_find_planted_faults(planted: Path) -> None:
    patches = linux_source.checkers() / "coccinelle"
    found = c_analysis.coccinelle(patches, planted)
    for remark in ("after free", "still locked", "size of a pointer", "null, no error"):
        assert _line(planted, remark) in found
    assert c_analysis.coccinelle(patches) == ""
