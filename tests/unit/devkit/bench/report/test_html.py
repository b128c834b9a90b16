# SPDX-License-Identifier: MIT
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

from devkit.bench.report import html
from devkit.bench.results.results import Results
from devkit.bench.results.targets import goals

Make = Callable[..., Results]


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.number = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.number += 1
        self.links += [value for name, value in attrs if name in {"src", "href", "xlink:href"} and value]


def test_the_report_is_self_contained_and_warns_at_every_figure(results: Make, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    html.write(results(), path)
    text = path.read_text()
    assert all(link.startswith("#") for link in Tags(text).links)
    figures = re.findall(r"<figure>.*?</figure>", text, re.DOTALL)
    assert len(figures) == 7
    for figure in figures:
        assert "<svg" in figure
        assert "not cycle-accurate" in figure or "Real time" in figure
    assert "some &lt;CPU&gt;" in text
    assert "./inv bench --only streams --seconds 180" in text


def test_the_report_has_each_table(results: Make) -> None:
    text = html.page(results())
    for title in (
        "What was to be reached",
        "Instructions per packet, whole target",
        "Packets from outside, through emulated network cards",
        "Timer only: the model beside what was measured",
        "TCP through the target",
    ):
        assert f">{title}</h3>" in text
    assert "<th>host used by others</th>" in text
    assert "<td>10 %</td>" in text


def test_the_same_figures_give_the_same_report(results: Make) -> None:
    assert html.page(results()) == html.page(results())


def test_a_run_with_next_to_nothing_gives_a_report(nothing: Results) -> None:
    assert "not finished" in html.page(nothing)


def test_goals_say_what_is_reached(results: Make) -> None:
    met = {goal.what: goal.met for goal in goals(results())}
    assert met["own cost, C, 1400 bytes"] is True
    assert met["own cost, Python one by one, 1400 bytes"] is None
    assert met["CPU below NFQUEUE C for the same traffic"] is True
    assert met["TCP of plain forwarding, C, virtio, own time"] is True
    assert met["TCP of plain forwarding, C, virtio, real time"] is True
    assert met["TCP of plain forwarding, C, e1000, own time"] is None
    dearer = {goal.what: goal.met for goal in goals(results(1.2))}
    assert dearer["own cost, C, 1400 bytes"] is False


def test_a_busy_host_decides_nothing_about_tcp(results: Make) -> None:
    found = results()
    found.content["results"]["stream/virtio/fastqueue-c"]["others"] = 0.5
    met = {goal.what: goal.met for goal in goals(found)}
    assert met["TCP of plain forwarding, C, virtio, real time"] is None
