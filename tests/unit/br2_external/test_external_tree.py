# SPDX-License-Identifier: MIT
"""br2-external as far as it can be checked without Buildroot: names, files, and what both bases share."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from devkit.host.paths import PROJECT
from devkit.image import kconfig, kernel_flavour, rootfs
from devkit.image.buildroot import archives, config
from devkit.image.debian import package_lists

EXTERNAL = PROJECT / "br2-external"
PACKAGES = sorted(path.name for path in (EXTERNAL / "package").iterdir())
CONFIGS = sorted(config.CONFIGS.iterdir())


def options(path: Path) -> dict[str, str]:
    return kconfig.options(path.read_text())


def in_tree(value: str) -> Path:
    """File of ours that a value of a defconfig names."""
    return Path(value.strip('"').replace("$(BR2_EXTERNAL_FASTQUEUE_PATH)", str(EXTERNAL)))


def test_description_has_a_name_and_a_short_text() -> None:
    lines = (EXTERNAL / "external.desc").read_text().splitlines()
    fields = dict(line.split(": ") for line in lines)
    assert fields["name"] == "FASTQUEUE"
    assert len(fields["desc"]) <= 40


def test_every_package_is_in_the_menu() -> None:
    sourced = re.findall(
        r'^source "\$BR2_EXTERNAL_FASTQUEUE_PATH/(.+)"$', (EXTERNAL / "Config.in").read_text(), re.M
    )
    assert sourced == [f"package/{name}/Config.in" for name in PACKAGES]
    assert all((EXTERNAL / path).exists() for path in sourced)


@pytest.mark.parametrize("name", PACKAGES)
def test_package_files_agree_on_the_names(name: str) -> None:
    folder, prefix = EXTERNAL / "package" / name, archives.variable(name)
    assert f"config BR2_PACKAGE_{prefix}\n" in (folder / "Config.in").read_text()
    makefile = (folder / f"{name}.mk").read_text()
    (site,) = re.findall(rf"^{prefix}_SITE = \$\(BR2_EXTERNAL_FASTQUEUE_PATH\)/\.\./(.+)$", makefile, re.M)
    assert (PROJECT / site).is_dir()
    (text,) = re.findall(r"LICENSES/(\S+\.txt)", makefile)
    assert f"{prefix}_LICENSE_FILES = {text}\n" in makefile
    assert (PROJECT / "LICENSES" / text).exists()
    infrastructure = {"fastqueue-kmod": "kernel-module", "python-fastqueue": "python-package"}
    assert f"$(eval $({infrastructure.get(name, 'generic-package')}))" in makefile


def test_versions_are_those_of_the_sources() -> None:
    makefiles = "".join((EXTERNAL / f"package/{name}/{name}.mk").read_text() for name in PACKAGES)
    (version,) = set(re.findall(r"_VERSION = (\S+)", makefiles))
    assert f"version := {version}\n" in (PROJECT / "native/Makefile").read_text()
    assert f'__version__ = "{version}"' in (PROJECT / "pyhandler/src/fastqueue/__init__.py").read_text()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_configurations_are_for_a_pentium_3_and_can_be_trusted(path: Path) -> None:
    found = options(path)
    for name in ("BR2_x86_pentium3", "BR2_REPRODUCIBLE", "BR2_DOWNLOAD_FORCE_CHECK_HASHES"):
        assert found[name] == "y"
    ours = {archives.variable(name) for name in PACKAGES}
    assert {f"BR2_PACKAGE_{name}" for name in ours} <= found.keys()
    assert not [name for name in found if "TOOLCHAIN_EXTERNAL" in name]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_configurations_name_files_that_are_there(path: Path) -> None:
    named = [value for value in options(path).values() if "$(BR2_EXTERNAL_FASTQUEUE_PATH)" in value]
    assert len(named) == 5
    assert all(in_tree(value).exists() for value in named)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_the_kernel_has_a_hash_for_module_and_headers(path: Path) -> None:
    version = options(path)["BR2_LINUX_KERNEL_CUSTOM_VERSION_VALUE"].strip('"')
    assert version.startswith(f"{kernel_flavour.DEFAULT}.")
    for name in ("linux", "linux-headers"):
        (line,) = (EXTERNAL / f"patches/{name}/{name}.hash").read_text().splitlines()[1:]
        assert line.split()[::2] == ["sha256", f"linux-{version}.tar.xz"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_both_bases_have_the_same_kernel_options_and_overlay(path: Path) -> None:
    found = options(path)
    assert (in_tree(found["BR2_LINUX_KERNEL_CUSTOM_CONFIG_FILE"]),) == kernel_flavour.flavour(
        kernel_flavour.DEFAULT
    ).files
    assert in_tree(found["BR2_ROOTFS_OVERLAY"]) == rootfs.OVERLAY


def test_the_small_configuration_is_the_full_one_less_tools() -> None:
    full = (config.CONFIGS / "fastqueue_pentium3_defconfig").read_text().splitlines()
    small = (config.CONFIGS / "fastqueue_pentium3_small_defconfig").read_text().splitlines()
    less = [line for line in full if line not in small]
    assert small == [line for line in full if line not in less]
    assert less == [f"BR2_PACKAGE_{name}=y" for name in ("IPERF3", "TCPDUMP")]


def test_busybox_fragment_asks_only_for_what_the_debian_base_has() -> None:
    asked = options(EXTERNAL / "board/common/busybox.fragment")
    applets = {f"CONFIG_{name.upper()}" for name in package_lists.words("applets.txt")}
    others = {name for name in asked if not name.startswith("CONFIG_FEATURE_")} - applets
    assert others <= {"CONFIG_NC_EXTRA", "CONFIG_NC_SERVER"}
    assert {name for name, value in asked.items() if value != "y"} == {"CONFIG_FEATURE_LS_COLOR_IS_DEFAULT"}


def test_post_build_makes_what_the_debian_base_makes() -> None:
    text = (EXTERNAL / "board/common/post-build.sh").read_text()
    (folders,) = re.findall(r"^for folder in (.+); do$", text, re.M)
    assert tuple(folders.split()) == rootfs.MOUNT_POINTS


def test_offline_changes_are_no_more_than_compiler_archives_and_kernel_source() -> None:
    asked = options(archives.FOLDER / "offline.config")
    allowed = ("BR2_TOOLCHAIN_EXTERNAL", "BR2_PRIMARY_SITE", "BR2_LINUX_KERNEL_CUSTOM_")
    rest = {name for name in asked if not name.startswith(allowed)}
    assert rest == {
        "BR2_GLOBAL_PATCH_DIR",
        "BR2_PACKAGE_OVERRIDE_FILE",
        "BR2_PACKAGE_HOST_LINUX_HEADERS_CUSTOM_6_12",
    }


def test_each_package_of_the_offline_list_is_taken_from_one_place() -> None:
    wishes = tomllib.loads(archives.LIST.read_text())
    names = [name for part in wishes.values() for name in part]
    assert len(names) == len(set(names))
