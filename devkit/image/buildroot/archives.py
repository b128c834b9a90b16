# SPDX-License-Identifier: MIT
"""Archives for a build that reaches a Debian mirror and the Python package index, and nothing else.

What Buildroot would download lies in a folder laid out as its own mirror is. Hashes of Debian's archives
are apt's, from its signed lists; those of Buildroot's own archives are Buildroot's and stay so.
"""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devkit.host import cache
from devkit.host.errors import KitError
from devkit.host.paths import LOGS, PROJECT
from devkit.host.progress import say, stage
from devkit.image import kernel_flavour, linux_source, package_index
from devkit.image.debian.apt import SOURCE_SUITES, Apt

FOLDER = PROJECT / "br2-external/offline"
LIST = FOLDER / "sources.toml"
#: Part of the key: raise it when this module makes something else of the same inputs.
RECIPE = "2"
_LOG = LOGS / "buildroot-archives.log"


@dataclass(frozen=True)
class Package:
    """What Buildroot's own file says of a package: version, archive, the hashes it knows by file name."""

    name: str
    version: str
    source: str
    hashes: Mapping[str, str]


@dataclass
class Override:
    """Lines of override.mk of one package, and hashes that Buildroot does not know, by file name."""

    variables: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)


def upstream_version(debian: str) -> str:
    """Version of the authors in one of Debian's: ``1:1.3.dfsg+really1.3.1-1`` is 1.3.1."""
    bare = debian.partition(":")[2] or debian
    bare = bare.rpartition("-")[0] or bare
    return bare.rpartition("really")[2].partition("+")[0].removesuffix(".dfsg")


def numbers(version: str) -> tuple[int, ...]:
    """What versions are compared by."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def fits(version: str, wish: Mapping[str, str]) -> bool:
    """Whether the authors' ``version`` is one that sources.toml's ``wish`` takes."""
    if numbers(version) < numbers(wish["least"]):
        return False
    return "below" not in wish or numbers(version) < numbers(wish["below"])


def archives(tree: Path, fresh: bool = False) -> Path:
    """Cache entry for the Buildroot tree ``tree``.

    ``archives/PACKAGE/FILE``; ``hashes/PACKAGE/PACKAGE.hash``; ``override.mk``; ``packages.json``. ``fresh``
    asks the mirrors again. KitError FQ-SOURCE names what no mirror has.
    """
    packages = read_packages(tree, _names())
    parts = [repr(sorted(vars(package).items())) for package in packages.values()]
    linux = linux_source.source(kernel_flavour.DEFAULT, fresh)
    key = cache.digest(RECIPE, LIST.read_text(), (linux / "source.json").read_text(), str(FOLDER), *parts)
    return cache.entry("buildroot-archives", key, lambda work: _make(work, packages, linux), fresh=fresh)


def _wishes() -> dict[str, Any]:
    return tomllib.loads(LIST.read_text())


def _names() -> list[str]:
    wishes = _wishes()
    return [*wishes["debian"], *wishes["pypi"], *wishes["binary"]]


def read_packages(tree: Path, names: Iterable[str]) -> dict[str, Package]:
    """Packages of the Buildroot tree, read from their files as far as they are plain assignments."""
    return {name: _read_package(tree / "package" / name, name) for name in names}


def _read_package(folder: Path, name: str) -> Package:
    text = (folder / f"{name}.mk").read_text()
    found = dict(re.findall(r"^([A-Z0-9_]+)\s*:?=\s*(.*?)\s*$", text, re.MULTILINE))
    prefix = variable(name)
    version = _expand(found[f"{prefix}_VERSION"], found)
    source = _expand(found.get(f"{prefix}_SOURCE", f"{name}-{version}.tar.gz"), found)
    hash_file = folder / f"{name}.hash"
    lines = [line.split() for line in hash_file.read_text().splitlines()] if hash_file.exists() else []
    hashes = {words[2]: words[1] for words in lines if len(words) == 3 and words[0] == "sha256"}
    return Package(name, version, source, hashes)


def variable(name: str) -> str:
    """Prefix of a package's variables."""
    return name.upper().replace("-", "_")


def _expand(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\((\w+)\)", lambda match: _expand(values[match[1]], values), text)


def _make(work: Path, packages: dict[str, Package], linux: Path) -> None:
    wishes = _wishes()
    overrides: dict[str, Override] = {}
    with stage("buildroot: fetch archives", _LOG):
        apt = Apt(work / "apt-sources", "amd64", _LOG, SOURCE_SUITES, kind="deb-src")
        apt.update()
        for name, wish in wishes["debian"].items():
            overrides[name] = _from_debian(work, apt, packages[name], wish)
        for name, index_name in wishes["pypi"].items():
            _from_index(work, packages[name], index_name)
            overrides[name] = Override()
        binary = Apt(work / "apt-packages", "i386", _LOG)
        binary.update()
        for name, debs in wishes["binary"].items():
            overrides[name] = _binary(work, binary, name, debs)
        overrides["linux"] = _linux(work, linux)
    _write(work, overrides, list(wishes["binary"]))
    for folder in ("apt-sources", "apt-packages", "download"):
        cache.remove_tree(work / folder)


def _keep(work: Path, package: str, path: Path, name: str) -> Path:
    place = work / "archives" / package / name
    place.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(path, place))


def _from_debian(work: Path, apt: Apt, package: Package, wish: Mapping[str, str]) -> Override:
    """Fetch the first version that fits and that the mirror really has."""
    source = wish.get("source", package.name)
    tried = [version for version in apt.source_versions(source) if fits(upstream_version(version), wish)]
    for version in tried:
        try:
            archive = apt.download_source(source, version, work / "download")
        except KitError:
            continue
        return _taken(work, package, archive, upstream_version(version))
    what = f"no mirror of this system's apt has the source of {source} ({wish['least']} or newer)"
    raise KitError(
        "FQ-SOURCE", f"{what}; listed: {', '.join(tried) or 'none'}", "try another mirror", log=_LOG
    )


def _taken(work: Path, package: Package, archive: Path, version: str) -> Override:
    """Keep a Debian archive: under Buildroot's name where it is the very same file."""
    digest = cache.digest_file(archive)
    if package.version == version and package.hashes.get(package.source) == digest:
        _keep(work, package.name, archive, package.source)
        return Override()
    _keep(work, package.name, archive, archive.name)
    prefix = variable(package.name)
    override = Override({f"{prefix}_SOURCE": archive.name}, {archive.name: digest})
    if package.version != version:
        override.variables |= {f"{prefix}_VERSION": version} | {
            f"{kind}{prefix}_PKGDIR": "$(OFFLINE_DIR)/none/" for kind in ("", "HOST_")
        }
    say(f"  {package.name}: {version} in place of {package.version}" if package.version != version
        else f"  {package.name}: {version}, Debian's archive")  # fmt: skip
    return override


def _from_index(work: Path, package: Package, name: str) -> None:
    """Fetch from the Python package index the very archive that Buildroot has the hash of."""
    digest = package.hashes.get(package.source)
    if digest is None:
        what = f"Buildroot has no SHA-256 of {package.source}"
        raise KitError("FQ-DOWNLOAD", what, "use Buildroot's own archives: --sources=auto")
    archive = package_index.fetch(name, lambda link: link.name == package.source, digest, work / "download")
    _keep(work, package.name, archive, package.source)


def _binary(work: Path, apt: Apt, name: str, debs: list[str]) -> Override:
    """Fetch Debian's packages as they are; their names lose what make would take for something else."""
    files: dict[str, str] = {}
    for path in apt.download(debs, work / "download"):
        plain = re.sub(r"%3a|[+~]", ".", path.name)
        files[plain] = cache.digest_file(path)
        _keep(work, name, path, plain)
    prefix = variable(name)
    main = next(file for file in files if file.startswith(f"{debs[0]}_"))
    others = " ".join(file for file in files if file != main)
    version = main.split("_")[1]
    return Override(
        {f"{prefix}_VERSION": version, f"{prefix}_SOURCE": main, f"{prefix}_EXTRA_DOWNLOADS": others}, files
    )


def _linux(work: Path, linux: Path) -> Override:
    name = f"{linux_name(linux)}.tar.xz"
    place = work / "archives/linux" / name
    place.parent.mkdir(parents=True)
    shutil.copyfile(linux / "linux.tar.xz", place)
    return Override({}, {name: cache.digest_file(place)})


def linux_name(linux: Path) -> str:
    """Name of the kernel's archive, with the version of its package: ``linux-source-6.12_6.12.30-1``."""
    about = json.loads((linux / "source.json").read_text())
    return re.sub(r"[+~:]", ".", f"{about['package']}_{about['version']}")


def _write(work: Path, overrides: Mapping[str, Override], binary: Iterable[str]) -> None:
    lines = [
        f"OFFLINE_DIR = {FOLDER}",
        f"OFFLINE_BINARY = {' '.join(variable(name) for name in binary)}",
    ]
    for name, override in overrides.items():
        lines += [f"override {key} = {value}" for key, value in override.variables.items()]
        if override.hashes:
            folder = work / "hashes" / name
            folder.mkdir(parents=True)
            text = "".join(f"sha256  {digest}  {file}\n" for file, digest in override.hashes.items())
            (folder / f"{name}.hash").write_text(text)
    lines.append("include $(OFFLINE_DIR)/overrides")
    (work / "override.mk").write_text("\n".join(lines) + "\n")
