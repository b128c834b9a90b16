# SPDX-License-Identifier: MIT
import io
import json
from pathlib import Path

from rich.console import Console

from devkit.measure import throughput_report
from devkit.measure.throughput import Measurement


def printed(results: list[Measurement], profile: str = "p3") -> str:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(throughput_report.table(results, profile, "virtio"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_line_for_each_path_with_its_ratio_to_the_first(measurements: list[Measurement]) -> None:
    lines = [line for line in printed(measurements).splitlines() if "%" in line]
    assert len(lines) == 4
    for line, words in zip(
        lines, (("400.0", "100%"), ("100.0", "25%"), ("248.0", "62%"), ("300.0", "75%")), strict=True
    ):
        assert all(word in line for word in (*words, "50%", "21"))
    assert "360–420" in lines[0]


def test_without_a_terminal_there_are_no_escapes(measurements: list[Measurement]) -> None:
    assert "\x1b" not in printed(measurements)


def test_nothing_is_cut_off_in_80_columns(measurements: list[Measurement]) -> None:
    shown = printed(measurements)
    assert "…" not in shown
    assert all(
        name in shown for name in ("plain forwarding", "Fast Queue, Python", "retransmits", "target CPU")
    )


def test_every_profile_says_what_its_figures_are_not() -> None:
    assert "emulates the processor" in throughput_report.caveats("p3")[0]
    assert "not cycle-accurate" in throughput_report.caveats("p3-1g")[1]
    assert "noisy" not in " ".join(throughput_report.caveats("p3", 0.05))
    for profile in ("p3", "p3-1g", "kvm"):
        assert "other work took 40%" in " ".join(throughput_report.caveats(profile, 0.4))
        assert any("GRO" in caveat for caveat in throughput_report.caveats(profile))


def test_json_is_whole(tmp_path: Path, measurements: list[Measurement]) -> None:
    path = tmp_path / "deep" / "result.json"
    throughput_report.write_json(path, {"results": [result.record() for result in measurements]})
    found = json.loads(path.read_text())["results"]
    assert [each["path"] for each in found] == ["plain", "nfqueue-c", "fastqueue-python", "fastqueue-c"]
    assert found[2]["mbit_per_s"] == 248.0
    assert [each["mbit_per_s"] for each in found[2]["samples"]] == [223.2, 248.0, 260.4]
    assert found[2]["handler"] == "python3 -m fastqueue run null"
    assert [each.name for each in path.parent.iterdir()] == ["result.json"]


def test_surroundings_name_the_host() -> None:
    found = throughput_report.surroundings()
    assert found["date"].endswith("+00:00")
    assert found["host"]["cpu"]
    assert found["host"]["qemu"]
    assert 0 <= found["host"]["busy_before"] <= 1
