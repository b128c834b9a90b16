# SPDX-License-Identifier: MIT
import pytest

from devkit.bench.paths.catalogue import PLAIN
from devkit.bench.runner import SECTIONS, BenchRequest
from devkit.host.errors import KitError


def test_words_choose_rows_and_parts() -> None:
    found = BenchRequest.parse(quick=False, rows=" fastqueue-c,nfqueue-c ", only="table", seconds=180)
    assert found.sections == ("table",)
    assert [row.name for row in found.chosen()] == [PLAIN.name, "nfqueue-c", "fastqueue-c"]
    assert found.seconds == 180
    whole = BenchRequest.parse(quick=True, rows="", only="", seconds=0)
    assert (whole.sections, whole.seconds, whole.runs) == (SECTIONS, 20, 2)


@pytest.mark.parametrize(
    ("rows", "only", "seconds", "words"),
    [
        ("nonsense", "", 0, "no row 'nonsense'"),
        ("", "table,nonsense", 0, "no part 'nonsense'"),
        ("", "streams", -5, "cannot last -5 s"),
    ],
)
def test_what_there_is_not_is_told_before_it_is_measured(
    rows: str, only: str, seconds: int, words: str
) -> None:
    with pytest.raises(KitError, match=words) as caught:
        BenchRequest.parse(quick=False, rows=rows, only=only, seconds=seconds)
    assert caught.value.code == "FQ-ARGUMENT"
