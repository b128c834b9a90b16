# SPDX-License-Identifier: MIT
"""Buildroot's own tools over our configurations: menus, one package, licences, bill of materials, CVEs."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections import Counter
from pathlib import Path

from devkit.host import atomic_file, run_command
from devkit.host.errors import KitError
from devkit.host.paths import OUT
from devkit.host.progress import say, stage
from devkit.image import package_index
from devkit.image.buildroot import config, image_parts, make, sources, tree
from devkit.target import console

#: Python of the system, for Buildroot's scripts: they use its standard library only.
PYTHON = "/usr/bin/python3"
#: Where Buildroot's script looks for the names of licences before it asks the network.
_SCHEMA = "cyclonedx/spdx-1.6.schema.json"
#: The package of the Python index that brings the same list, its file and the SHA-256 of that.
_SCHEMA_PACKAGE = "cyclonedx-python-lib"
_SCHEMA_FILE = "cyclonedx_python_lib-11.12.0-py3-none-any.whl"
_SCHEMA_SHA256 = "0e807521a921a5c3cb8ce1153f8a61d29eedfe76a46aac2796b7c6b573391a54"


def request(
    buildroot: str = "", name: str = config.DEFAULT, sources: str = "auto"
) -> image_parts.BuildrootRequest:
    """Request for the tree that is found, cloned where there is none. KitError FQ-BUILDROOT."""
    config.defconfig(name)
    found = tree.find(buildroot)
    assert found.tree is not None
    say(f"buildroot: {found.reason}")
    return image_parts.BuildrootRequest(found.tree, name, sources)


def _configured(wish: image_parts.BuildrootRequest) -> make.Place:
    chosen = sources.choose(wish.sources, wish.tree, wish.fresh)
    say(f"buildroot: archives from {chosen.name} ({chosen.reason})")
    return image_parts.configured(wish, chosen)


def build_package(wish: image_parts.BuildrootRequest, package: str) -> None:
    """Build one package again, and what it needs; KitError FQ-PACKAGE where there is none of that name."""
    with image_parts.alone(image_parts.place(wish)):
        where = _configured(wish)
        if package not in _packages(where):
            what = f"the configuration {wish.name} has no package {package!r}"
            raise KitError("FQ-PACKAGE", what, "./inv menuconfig adds one; names are Buildroot's", status=2)
        built = any((where.output / "build").glob(f"{package}-[0-9c]*/.stamp_built"))
        with stage(f"buildroot: {package}", where.log):
            make.build(where, f"{package}-rebuild" if built else package)


def _packages(where: make.Place) -> set[str]:
    words = make.words(where, "-s", "--no-print-directory", "show-targets")
    return set(run_command.run(words, env=make.environment()).split())


def menuconfig(wish: image_parts.BuildrootRequest) -> None:
    """Buildroot's menus for a configuration, and its defconfig written back; needs a terminal.

    In a folder of its own: what another source of archives changes is not to get into the defconfig.
    """
    console.need_terminal("menuconfig", f"edit {config.defconfig(wish.name)}")
    where = make.Place(wish.tree, OUT / "buildroot" / f"{wish.name}.menu")
    with image_parts.alone(where):
        config.configure(where, wish.name)
        status = subprocess.run(
            make.words(where, "menuconfig"), cwd=run_command.NOWHERE, env=make.environment(), check=False
        ).returncode
        if status:
            raise KitError(
                "FQ-COMMAND", f"menuconfig ended with status {status}", "apt-get install libncurses-dev"
            )
        path, text = config.defconfig(wish.name), config.saved(where)
        changed = text != path.read_text()
        atomic_file.write_text(path, text)
        # The next configure starts from the file.
        (where.output / "defconfig").unlink(missing_ok=True)
    say(f"{path}: {'changed' if changed else 'as it was'}")


def legal_info(wish: image_parts.BuildrootRequest) -> None:
    """Licences, sources and manifests of all packages, in ``legal-info`` of the build's folder."""
    with image_parts.alone(image_parts.place(wish)):
        where = _configured(wish)
        with stage("buildroot: licences and sources", where.log):
            make.build(where, "legal-info")
    folder = where.output / "legal-info"
    rows = (folder / "manifest.csv").read_text().splitlines()[1:]
    say(f"{len(rows)} packages of the target: {folder / 'manifest.csv'}")
    for line in (folder / "README").read_text().splitlines():
        if line.startswith("WARNING"):
            say(f"  {line}")


def sbom(wish: image_parts.BuildrootRequest) -> Path:
    """Bill of materials as CycloneDX JSON, in the build's folder; returns it."""
    with image_parts.alone(image_parts.place(wish)):
        where = _configured(wish)
        _have_schema(where)
        with stage("buildroot: bill of materials", where.log):
            words = make.words(where, "-s", "--no-print-directory", "show-info")
            info = run_command.run(words, env=make.environment())
            text = _filter([PYTHON, wish.tree / "utils/generate-cyclonedx"], info)
    path = where.output / "sbom.json"
    path.write_text(text)
    say(f"{len(json.loads(text)['components'])} components: {path}")
    return path


def cve(wish: image_parts.BuildrootRequest, nvd: str = "") -> None:
    """List vulnerabilities of the bill of materials, by the database in the folder ``nvd``.

    Without one it is cloned into the download folder: some gigabytes. KitError FQ-CVE where that fails.
    """
    path = sbom(wish)
    argv: list[str | Path] = [PYTHON, wish.tree / "support/scripts/cve-check"]
    database = Path(nvd).expanduser().resolve() if nvd else make.downloads() / "buildroot-nvd"
    argv += ["--nvd-path", database, *(["--no-nvd-update"] if nvd else [])]
    try:
        with stage("buildroot: vulnerabilities"):
            text = _filter(argv, path.read_text())
    except KitError as error:
        if not nvd:
            # Half a clone would stand in the next one's way.
            shutil.rmtree(database, ignore_errors=True)
        what = "the database of vulnerabilities cannot be had"
        remedy = "--nvd=DIR with a copy (its git checkout in DIR/git), or a network that reaches it"
        raise KitError("FQ-CVE", what, remedy, lines=error.lines) from error
    found = json.loads(text).get("vulnerabilities", [])
    report = path.with_name("cve.json")
    report.write_text(text)
    states = Counter(one.get("analysis", {}).get("state", "unknown") for one in found)
    for one in found:
        if one.get("analysis", {}).get("state") == "exploitable":
            say(f"  {one['id']}: {', '.join(place['ref'] for place in one.get('affects', []))}")
    say(f"{', '.join(f'{count} {state}' for state, count in sorted(states.items())) or 'none'}: {report}")


def _filter(argv: list[str | Path], text: str) -> str:
    """What a program of Buildroot's makes of ``text``. KitError FQ-COMMAND with what it says."""
    words = [str(word) for word in argv]
    done = subprocess.run(
        words, cwd=run_command.NOWHERE, input=text, capture_output=True, text=True, check=False,
        env=make.environment(),
    )  # fmt: skip
    if done.returncode:
        lines = run_command.last_lines(done.stderr)
        raise KitError(
            "FQ-COMMAND", f"exit status {done.returncode}: {words[1]}", "see its lines", lines=lines
        )
    return done.stdout


def _have_schema(where: make.Place) -> None:
    """Have the list of licences, from the Python index where Buildroot's place for it is not reached."""
    place = make.downloads() / _SCHEMA
    if place.exists() or sources.answers():
        return
    folder = where.output / "cyclonedx"
    shutil.rmtree(folder, ignore_errors=True)
    wheel = package_index.fetch(
        _SCHEMA_PACKAGE, lambda link: link.name == _SCHEMA_FILE, _SCHEMA_SHA256, folder
    )
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/spdx.SNAPSHOT.schema.json"))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(archive.read(name))
