# SPDX-License-Identifier: MIT
"""devkit's packages import downwards only."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.static_checks import import_layers


def package(root: Path, **modules: str) -> Path:
    for name, text in modules.items():
        path = root / "devkit" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "devkit"


def test_the_project_keeps_the_order() -> None:
    assert import_layers.complaints() == ""


@pytest.mark.parametrize(
    "text",
    [
        "from devkit.lab import client\n",
        "from devkit.lab.client import Lab\n",
        "import devkit.lab.client\n",
        "def later():\n    from devkit.lab import client\n",
    ],
)
def test_an_import_of_a_higher_package_is_shown(tmp_path: Path, text: str) -> None:
    root = package(tmp_path, host__cache=text, lab__client="")
    assert "devkit.host.cache imports devkit.lab.client: a package above" in import_layers.complaints(root)


def test_imports_for_type_checkers_do_not_count(tmp_path: Path) -> None:
    text = "if TYPE_CHECKING:\n    from devkit.lab.client import Lab\n"
    assert import_layers.complaints(package(tmp_path, host__cache=text, lab__client="")) == ""


def test_a_circle_in_one_package_is_shown(tmp_path: Path) -> None:
    root = package(tmp_path, lab__a="from devkit.lab import b", lab__b="from devkit.lab import a")
    assert "a circle: devkit.lab." in import_layers.complaints(root)


def test_a_package_without_a_place_is_shown(tmp_path: Path) -> None:
    root = package(tmp_path, utils__things="")
    assert import_layers.complaints(root) == "devkit.utils.things: its package is not in LAYERS"
