# SPDX-License-Identifier: MIT
"""The order of devkit's packages: none imports one above it, and no modules import each other in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from devkit.host.paths import PROJECT

#: Packages of devkit, lowest first; tasks.py is above them all.
LAYERS = (
    "host",
    "hardware",
    "image",
    "lab",
    "qemu",
    "target",
    "measure",
    "suricata",
    "flash",
    "bench",
    "fuzz",
    "static_checks",
    "commands",
)


def complaints(root: Path = PROJECT / "devkit") -> str:
    """Return one line for each import of a higher package, of an unknown one, and for a circle of modules."""
    imports = _imports(root)
    found = [
        f"{module} imports {other}: a package above its own"
        for module, others in imports.items()
        for other in sorted(others)
        if _layer(module) < _layer(other)
    ]
    found += [f"{module}: its package is not in LAYERS" for module in imports if _layer(module) > len(LAYERS)]
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found.append("a circle: " + " imports ".join(reversed(error.args[1])))
    return "\n".join(found)


def _layer(module: str) -> int:
    """Return the position of a module's package; the package devkit itself is below all."""
    names = module.split(".")
    if len(names) == 1:
        return -1
    return LAYERS.index(names[1]) if names[1] in LAYERS else len(LAYERS) + 1


def _imports(root: Path) -> Mapping[str, set[str]]:
    """Return the modules that each module imports, wherever it does so, but not those for type checkers."""
    paths = {_name(root, path): path for path in sorted(root.rglob("*.py"))}
    return {
        module: {other for other in _imported(path) if other in paths and other != module}
        for module, path in paths.items()
    }


def _name(root: Path, path: Path) -> str:
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path) -> Iterator[str]:
    for node in _without_type_checking(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _without_type_checking(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _without_type_checking(child)
