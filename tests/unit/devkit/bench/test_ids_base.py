# SPDX-License-Identifier: MIT
import json
from pathlib import Path

import pytest

from devkit.bench.runner import Request, measures_ids
from devkit.build.image import Image
from devkit.errors import KitError


def image(folder: Path, base: str) -> Image:
    (folder / "image.json").write_text(json.dumps({"base": base}))
    return Image(folder)


def request(only: str) -> Request:
    return Request.parse(quick=True, rows="", only=only, seconds=0)


def test_the_part_is_measured_where_it_is_asked_for(tmp_path: Path) -> None:
    assert measures_ids(request(""), image(tmp_path, "debian"))
    assert not measures_ids(request("table"), image(tmp_path, "debian"))


def test_another_base_goes_without_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not measures_ids(request(""), image(tmp_path, "buildroot"))
    said = capsys.readouterr()
    assert "needs the Debian base" in said.out + said.err
    with pytest.raises(KitError) as error:
        measures_ids(request("ids"), image(tmp_path, "buildroot"))
    assert error.value.code == "FQ-BENCH"
