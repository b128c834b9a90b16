# SPDX-License-Identifier: MIT
"""The kit's main job in one go: build, boot, show accept and drop, compare the paths, take all down."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from devkit.host.errors import KitError
from devkit.host.paths import OUT
from devkit.host.progress import console, say, stage
from devkit.image import summary
from devkit.image.base_choice import ImageOptions
from devkit.image.image import build_image
from devkit.lab import topology
from devkit.lab.client import Lab
from devkit.measure import throughput, throughput_figure, throughput_report, udp_flows
from devkit.measure.throughput import Measurement
from devkit.measure.udp_flows import UdpFlow
from devkit.target import kernel_modules, nftables, queue_counters
from devkit.target.background_process import Background
from devkit.target.qemu import Target

_PASSING_PORT = 7001
_DROPPED_PORT = 7002
_DATAGRAMS = 200
_RULES = f"""drop proto udp dport {_DROPPED_PORT}
default accept
"""
_RULES_FILE = "/run/demo.rules"
# No time limit: on a busy host an emulated handler may come late, and the default action is to drop.
_HANDLER = ("python3", "-m", "fastqueue", "run", "--timeout-ms", "0", "fivetuple", _RULES_FILE)


def run_demo(
    profile: str = "p3",
    nic: str = "virtio",
    seconds: int = 10,
    out: Path = OUT / "demo",
    base: str = "auto",
) -> dict[str, Any]:
    """Run the demonstration and return what result.json has.

    Builds the image of ``base`` if need be, boots it in a lab of its own, and takes both down at the end.
    ``seconds`` of TCP are measured for each path. Writes result.json and result.png to ``out``.
    KitError where a step fails, FQ-FLOW where the target decides wrongly.
    """
    throughput.check_seconds(seconds)
    image = build_image(ImageOptions(base))
    surroundings = throughput_report.surroundings()
    with stage("start the lab"):
        lab = Lab.start()
    with lab:
        with stage(f"boot the target ({profile}, {nic})"):
            target = Target.boot(image, lab=lab, profile=profile, nic=nic)
        with target:
            machine = lab.info()["target"]  # a profile that cannot run here has fallen back to another
            shown = show_flows(lab, target)
            results = throughput.measure_all(lab, target, seconds)
    content = {
        **surroundings,
        **{key: machine[key] for key in ("profile", "nic", "memory")},
        "image": summary.identity(image),
        "flows": [asdict(flow) for flow in shown],
        "results": [result.record() for result in results],
        "not": list(throughput_report.caveats(machine["profile"], surroundings["host"]["busy_before"])),
    }
    present(content, results, out)
    return content


def show_flows(lab: Lab, target: Target) -> tuple[UdpFlow, UdpFlow]:
    """Show with real packets that a CPython handler lets one flow pass and drops the other."""
    target.put(_RULES.encode(), _RULES_FILE)
    address = topology.load().server.endpoint.address4
    with (
        stage("one flow accepted, one dropped (CPython, fivetuple)"),
        kernel_modules.loaded_during(target, kernel_modules.FASTQUEUE),
        Background(target, _HANDLER) as handler,
    ):
        handler.wait_ready()
        with nftables.rules_installed(target, nftables.queue_all()):
            passing, dropped = udp_flows.exchange(
                lab, address, passing=_PASSING_PORT, dropped=_DROPPED_PORT, number=_DATAGRAMS
            )
            found = queue_counters.of_queue(target)
    for flow, verdict in ((passing, "accept"), (dropped, "drop")):
        say(f"  UDP port {flow.port}, {verdict}: {flow.sent} sent, {flow.arrived} arrived at the server")
    say(f"  /proc/net/fastqueue: {found.accepted} accepted, {found.dropped} dropped")
    if passing.arrived != passing.sent or dropped.arrived:
        what = f"the handler's verdicts did not hold: {passing}, {dropped}"
        raise KitError("FQ-FLOW", what, "run ./inv test", log=target.log.path, lines=[str(found)])
    return passing, dropped


def present(content: dict[str, Any], results: list[Measurement], out: Path) -> None:
    """Print the table; write result.json and result.png."""
    profile, nic, caveats = content["profile"], content["nic"], content["not"]
    console.print(throughput_report.table(results, profile, nic))
    for caveat in caveats:
        say(f"  - {caveat}")
    throughput_report.write_json(out / "result.json", content)
    noisy = [caveat for caveat in caveats if caveat.startswith("noisy")]
    about = f"profile {profile}, NIC {nic}, one stream, offloads off"
    subtitle = "\n".join([about, *caveats[:1], *noisy])
    throughput_figure.save(throughput_figure.throughput_figure(results, subtitle), out / "result.png")
    say(f"figures: {out / 'result.json'}")
    say(f"picture: {out / 'result.png'}")
