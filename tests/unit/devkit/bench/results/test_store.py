# SPDX-License-Identifier: MIT
import json
from pathlib import Path

import pytest

from devkit.bench.results import store
from devkit.bench.results.store import Store
from devkit.host.errors import KitError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bench.json"


def test_every_result_reaches_the_disk(path: Path) -> None:
    kept = Store.opened(path, {"image": "a"}, {"date": "today"})
    kept.add("cost/plain", {"runs": [1]})
    kept.add("cost/other", {"runs": [2]})
    content = json.loads(path.read_text())
    assert content["results"] == {"cost/plain": {"runs": [1]}, "cost/other": {"runs": [2]}}
    assert not content["complete"]


def test_an_interrupted_run_goes_on(path: Path) -> None:
    Store.opened(path, {"image": "a"}, {}).add("cost/plain", {"runs": [1]})
    assert Store.opened(path, {"image": "a"}, {}).results == {"cost/plain": {"runs": [1]}}


def test_another_image_or_a_finished_run_begins_anew_and_keeps_the_old(path: Path) -> None:
    first = Store.opened(path, {"image": "a"}, {})
    first.add("cost/plain", {"runs": [1]})
    second = Store.opened(path, {"image": "b"}, {})
    assert second.results == {}
    assert store.load(path.with_suffix(".previous.json"))["identity"] == {"image": "a"}
    second.add("cost/plain", {"runs": [2]})
    second.finish()
    assert Store.opened(path, {"image": "b"}, {}).results == {}
    assert store.load(path.with_suffix(".previous.json"))["identity"] == {"image": "a"}
    assert store.load(path.with_suffix(".previous-2.json"))["complete"]


@pytest.mark.parametrize(
    "text",
    [
        '{"format": 1, "identity": {}, "results": {"cost/plain": {}}}',
        f'{{"format": {store.FORMAT}, "identity": {{}}}}',
        '{"format": 2, "ident',
    ],
)
def test_what_cannot_be_gone_on_with_is_kept_beside(path: Path, text: str) -> None:
    path.write_text(text)
    kept = Store.opened(path, {}, {})
    assert kept.results == {}
    kept.add("cost/plain", {"runs": [1]})
    assert path.with_suffix(".previous.json").read_text() == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"format": 1, "results": {}}', "format 1, this version of the kit reads"),
        (f'{{"format": {store.FORMAT}}}', "has figures in format"),
    ],
)
def test_a_file_of_another_version_is_told(path: Path, text: str, words: str) -> None:
    path.write_text(text)
    with pytest.raises(KitError, match=words) as caught:
        store.load(path)
    assert caught.value.code == "FQ-BENCH"


@pytest.mark.parametrize("text", [None, "no json", "[]", "{}"])
def test_what_is_no_bench_file_is_told(path: Path, text: str | None) -> None:
    if text is not None:
        path.write_text(text)
    with pytest.raises(KitError, match=r"no figures") as caught:
        store.load(path)
    assert caught.value.code == "FQ-BENCH"
