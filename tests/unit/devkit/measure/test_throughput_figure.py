# SPDX-License-Identifier: MIT
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text

from devkit.measure import throughput_figure
from devkit.measure.throughput import Measurement

PNG = b"\x89PNG\r\n\x1a\n"


def texts(drawn: Figure) -> list[str]:
    drawn.draw_without_rendering()
    return [text.get_text() for text in drawn.findobj(Text) if isinstance(text, Text) and text.get_text()]


def test_every_path_has_its_name_rate_and_ratio(measurements: list[Measurement]) -> None:
    shown = "\n".join(texts(throughput_figure.throughput_figure(measurements, "profile p3")))
    for name in ("plain forwarding", "NFQUEUE, C", "Fast Queue, Python", "Fast Queue, C"):
        assert name in shown
    for label in ("400 Mbit/s · 100% of plain", "100 Mbit/s · 25%", "248 Mbit/s · 62%", "300 Mbit/s · 75%"):
        assert label in shown
    assert "TCP throughput, Mbit/s; bar: median of 3 rounds" in shown
    assert "profile p3" in shown


def test_labels_lie_inside_the_picture_and_apart(measurements: list[Measurement]) -> None:
    drawn = throughput_figure.throughput_figure(measurements, "profile p3, NIC virtio")
    drawn.draw_without_rendering()
    width, height = drawn.bbox.width, drawn.bbox.height
    boxes = [text.get_window_extent() for text in drawn.axes[0].texts]
    for box in boxes:
        assert box.x0 >= 0 and box.x1 <= width
        assert box.y0 >= 0 and box.y1 <= height
    assert not any(one.overlaps(other) for one in boxes for other in boxes if one is not other)


def test_the_file_is_a_png(tmp_path: Path, measurements: list[Measurement]) -> None:
    path = tmp_path / "new" / "result.png"
    throughput_figure.save(throughput_figure.throughput_figure(measurements, "profile p3"), path)
    assert path.read_bytes().startswith(PNG)
    assert path.stat().st_size > 5000
