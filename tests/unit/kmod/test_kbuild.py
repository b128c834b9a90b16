# SPDX-License-Identifier: MIT
"""What kmod/ asks of the kernel it is built for: structures that it knows, caches that do not alias."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

KMOD = Path(__file__).parents[3] / "kmod"
HEADERS = {"nf_queue_entry": "net/netfilter/nf_queue.h", "nf_hook_state": "linux/netfilter.h"}
MAKEFILE = """
srctree := {tree}
src := {kmod}
include {kmod}/Kbuild
answer:
	@echo 'entry=$(fq-entry) state=$(fq-state) $(filter %_KNOWN_ENTRY,$(ccflags-y))'
"""
KNOWN = "entry=yes state=yes -DFQ_HAVE_KNOWN_ENTRY"


def known(structure: str) -> str:
    """Return the text of a structure that kmod/ knows."""
    texts = (KMOD / "known_structures.txt").read_text().splitlines()
    return next(text for text in texts if text.startswith(f"struct {structure} {{"))


def laid_out(structure: str) -> str:
    """Return it as a header has it: a member or directive per line."""
    text = re.sub(r" (#if \S+|#endif) ", r"\n\1\n", known(structure))
    lines = text.replace("{ ", "{\n").replace("; ", ";\n").splitlines()
    return (
        "\n".join(line if line.startswith(("struct nf_", "}", "#")) else f"\t{line}" for line in lines) + "\n"
    )


@dataclass
class Tree:
    """The two headers of a kernel, with lines around the structures."""

    path: Path

    def write(self, structure: str, text: str) -> None:
        header = self.path / "include" / HEADERS[structure]
        header.parent.mkdir(parents=True, exist_ok=True)
        header.write_text(f"struct other {{\n\tint member;\n}};\n\n{text}\nvoid function(void);\n")

    def ask(self) -> str:
        """Return what Kbuild finds."""
        makefile = self.path / "Makefile"
        makefile.write_text(MAKEFILE.format(tree=self.path, kmod=KMOD))
        argv = ["make", "-s", "-f", str(makefile), "answer"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path)
    for structure in HEADERS:
        tree.write(structure, laid_out(structure))
    return tree


def answer(structure: str) -> str:
    """What Kbuild finds if it does not know this one."""
    return "entry= state=yes" if structure == "nf_queue_entry" else "entry=yes state="


def test_both_structures_are_known(tree: Tree) -> None:
    assert tree.ask() == KNOWN


@pytest.mark.parametrize("structure", HEADERS)
def test_comments_and_layout_do_not_matter(tree: Tree, structure: str) -> None:
    text = laid_out(structure).replace(";\n", ";\t\t/* what it is, and why */\n").replace("{\n", "{\n\n")
    tree.write(structure, text.replace("};", "\n\t/* the end */\n};", 1))
    assert tree.ask() == KNOWN
    tree.write(structure, re.sub(r"(?m)^\t(\w+) (\S+;)$", r"\t\1\n\t\t\2", laid_out(structure)))
    assert tree.ask() == KNOWN


@pytest.mark.parametrize("structure", HEADERS)
@pytest.mark.parametrize(
    "member",
    [
        "\tstruct net_device *dev2;",
        "\tstruct net_device *devices[4];",
        "\tunsigned int flag : 1;",
        "\tstruct sock *own, *other;",
        "\tstruct net_device *a; struct sock *b;",
        "\tstruct sk_buff\n\t\t*more;",
        "\tint (*release)(struct sock *);",
        "\tstruct { struct dst_entry *dst; } inner;",
        "\tstruct list_head list;",
        "#ifdef CONFIG_NET\n\tstruct net *net2;\n#endif",
        "\t/* what it is */ struct dst_entry *dst;",
        "\t/* one */ struct dst_entry *dst; /* two */",
    ],
)
def test_a_member_more_is_not_known(tree: Tree, structure: str, member: str) -> None:
    first, *members, last = laid_out(structure).splitlines()
    for place in (0, len(members) // 2, len(members)):
        lines = [first, *members[:place], member, *members[place:], last]
        tree.write(structure, "\n".join(lines) + "\n")
        assert tree.ask() == answer(structure)


@pytest.mark.parametrize("structure", HEADERS)
def test_a_member_on_the_line_of_another_is_not_known(tree: Tree, structure: str) -> None:
    for more in (" struct sock *b2;\n", " struct sock *b2;\t/* a socket */\n"):
        tree.write(structure, laid_out(structure).replace(";\n", f";{more}", 1))
        assert tree.ask() == answer(structure)


@pytest.mark.parametrize("structure", HEADERS)
def test_each_member_counts(tree: Tree, structure: str) -> None:
    """A member less, or of another type, and a structure that is not there."""
    lines = laid_out(structure).splitlines()
    for place in range(1, len(lines) - 1):
        tree.write(structure, "\n".join(lines[:place] + lines[place + 1 :]) + "\n")
        assert tree.ask() == answer(structure)
    tree.write(structure, laid_out(structure).replace("u", "unsigned u", 1))
    assert tree.ask() == answer(structure)
    tree.write(structure, "")
    assert tree.ask() == answer(structure)


def preprocess_ring(*flags: str) -> subprocess.CompletedProcess[str]:
    """Preprocess the kernel's ring.c without the kernel's headers."""
    text = re.sub(r"(?m)^#include .*$", "", (KMOD / "ring.c").read_text())
    argv = ["gcc", "-E", *flags, "-"]
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=False)


def test_processors_with_caches_that_alias_are_refused() -> None:
    assert preprocess_ring().returncode == 0
    refused = preprocess_ring("-DCONFIG_ARCH_HAS_CPU_CACHE_ALIASING=1")
    assert refused.returncode != 0
    assert "caches do not alias" in refused.stderr
