# SPDX-License-Identifier: MIT
"""Tasks of the Fast Queue development kit: thin, each calls a function of devkit.

Libraries are imported inside the tasks, so that ./inv starts quickly.
"""

from __future__ import annotations

from typing import Any, cast

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from devkit.commands import build as building
from devkit.commands.exit_on_error import exit_on_error

# --- Set up and build


@task
@exit_on_error
def doctor(ctx: Context) -> None:
    """Check this machine: packages, tools, namespaces, /dev/net/tun, room; each lack with its remedy."""
    from devkit.commands.doctor import doctor as run_doctor

    run_doctor()


@task(
    auto_shortflags=False,
    help={
        "device": "the whole device to overwrite, such as /dev/sdb; without one they are listed",
        "image": "disk image, with an image.json or a .sha256 beside it (default: out/image/disk.img)",
        "board": "name of a board: an image for a CPU that it lacks is refused",
        "yes": "ask nothing (needs a device)",
        "dry-run": "check everything, write nothing",
        "fixed-disk": "a disk that is not removable is meant, or a loop device",
    },
)
@exit_on_error
def flash(
    ctx: Context,
    *,
    device: str = "",
    image: str = "",
    board: str = "",
    yes: bool = False,
    dry_run: bool = False,
    fixed_disk: bool = False,
) -> None:
    """Write the disk image to a device (./inv flash DEVICE), read it back and compare; see docs/flash.md."""
    from pathlib import Path

    from devkit.commands import flash as flashing

    path = Path(image) if image else flashing.DEFAULT_IMAGE
    flashing.flash(
        flashing.FlashOptions(device, path, board, yes=yes, dry_run=dry_run, fixed_disk=fixed_disk)
    )


# --- Show and measure


@task(
    help={
        "profile": "machine profile of qemu/profiles",
        "nic": "network cards of the target: virtio or e1000",
        "seconds": "seconds of TCP for each path, in three rounds",
        "ids": "Suricata instead: an exploit dropped, the rest pass; no throughput",
        "base": "image to show it with: auto, debian or buildroot",
    }
)
@exit_on_error
def demo(
    ctx: Context,
    *,
    profile: str = "p3",
    nic: str = "virtio",
    seconds: int = 10,
    ids: bool = False,
    base: str = "auto",
) -> None:
    """Build, boot, show accept and drop, and compare throughput: forwarding, NFQUEUE, Fast Queue."""
    from devkit.commands.demo import run_demo
    from devkit.commands.demo_suricata import run_ids_demo

    if ids:
        run_ids_demo(profile=profile, nic=nic, base=base)
        return
    run_demo(profile=profile, nic=nic, seconds=seconds, base=base)


@task(
    help={
        "quick": "fewer points and runs: a few minutes",
        "rows": "only these ways through the target, by commas (plain forwarding is always measured)",
        "only": "only these parts, by commas: table, rings, queues, timers, profile, nics, streams, ids, "
        "fairness",
        "seconds": "length of each TCP stream (30; --quick: 20; the paper: 180)",
        "compare": "an older bench.json: show what changed",
        "base": "image to measure: auto, debian or buildroot",
    }
)
@exit_on_error
def bench(
    ctx: Context,
    *,
    quick: bool = False,
    rows: str = "",
    only: str = "",
    seconds: int = 0,
    compare: str = "",
    base: str = "auto",
) -> None:
    """Measure instructions per packet, latency and TCP; report in out/bench. Goes on where it was stopped."""
    from devkit.commands.bench import bench as run_bench

    run_bench(quick=quick, rows=rows, only=only, seconds=seconds, compare_with=compare, base=base)


@task(
    help={
        "load": "packets per second",
        "latency": "longest time inside the target, in microseconds",
        "burst": "packets that may come at once",
        "frame-size": "bytes a frame",
        "memory": "MB that the ring may take",
    }
)
@exit_on_error
def tune(
    ctx: Context,
    *,
    load: int = 0,
    latency: int = 0,
    burst: int = 60,
    frame_size: int = 2048,
    memory: int = 16,
) -> None:
    """Print timer period and ring size of the paper's timer-only mode for a load and a latency."""
    from devkit.commands.bench import advise

    advise(load=load, latency=latency, burst=burst, frame_size=frame_size, memory=memory)


# --- Work with a target


@task(
    help={
        "base": "image to boot: auto, debian or buildroot",
        "profile": "machine profile of qemu/profiles: p3, p3-1g or kvm",
        "nic": "network cards of the target: virtio or e1000",
        "mem": "memory of the target in MB (default: 64, with Suricata 256)",
        "with": "suricata: attach a disk with Suricata, mounted in /mnt; see docs/ids.md",
        "lab": "name of the lab; each name is a target of its own",
        "detach": "leave it running, for run, console and down",
        "offloads": "keep checksum and segmentation offloads on the cables (throughput)",
        "kernel-args": "further words for the kernel's command line",
        "from": "kernel: QEMU loads it; disk: firmware and boot loader do, from disk.img, as on a board",
        "bus": "where the disk is: ide, sata, usb or virtio",
        "disk": "boot from this file or device, and keep what the target writes",
    }
)
@exit_on_error
def boot(
    ctx: Context,
    *,
    base: str = "auto",
    profile: str = "p3",
    nic: str = "virtio",
    mem: int = 0,
    with_: str = "",
    lab: str = "default",
    detach: bool = False,
    offloads: bool = False,
    kernel_args: str = "",
    from_: str = "kernel",
    bus: str = "ide",
    disk: str = "",
) -> None:
    """Boot a target between client and server, with its console here (Ctrl-] ends it); or --detach."""
    from devkit.commands import boot
    from devkit.image.base_choice import ImageOptions
    from devkit.image.image import build_image
    from devkit.qemu import boot_disk, extra_disk

    boot.boot(
        lambda: build_image(ImageOptions(base)), lab=lab, profile=profile, nic=nic, mem=mem, detach=detach,
        offloads=offloads, kernel_args=kernel_args, disk=boot_disk.parse(from_, bus, disk),
        addition=extra_disk.parse(with_),
    )  # fmt: skip


@task(help={"lab": "name of the lab whose target to use"})
@exit_on_error
def console(ctx: Context, lab: str = "default") -> None:
    """Join this terminal with a running target's console; Ctrl-] leaves, the target runs on."""
    from devkit.commands import boot

    boot.console(lab=lab)


@task(
    help={
        "lab": "name of the lab whose target to use",
        "timeout": "interrupt the command after this many seconds (0: never)",
    }
)
@exit_on_error
def run(ctx: Context, lab: str = "default", timeout: int = 0) -> None:
    """Run what follows -- in a running target: words of a command, or one word that is a line of shell.

    It has no standard input.
    """
    from devkit.commands import boot
    from devkit.commands.cli import after_dashes

    status = boot.run(after_dashes(), lab=lab, timeout=timeout or None)
    if status:
        raise Exit(code=status)


@task
@exit_on_error
def status(ctx: Context) -> None:
    """Show the labs that are running, their targets and where their sockets lie."""
    from devkit.commands import boot

    boot.status()


@task(help={"lab": "name of the lab to end", "all": "end all labs of this user"})
@exit_on_error
def down(ctx: Context, lab: str = "", all: bool = False) -> None:
    """Power off a running target and take its lab down."""
    from devkit.commands import boot

    boot.down(lab=lab or None, everything=all)


@task(
    help={
        "lab": "name of the lab whose target gets it; it must have booted from a disk",
        "base": "image to put there: auto, debian or buildroot (default: the base that the target booted)",
    }
)
@exit_on_error
def update(ctx: Context, lab: str = "default", base: str = "") -> None:
    """Put the image into the slot of a running target that is not running; a reboot takes it."""
    from devkit.commands.update import update_target
    from devkit.image.base_choice import ImageOptions
    from devkit.image.image import build_image

    update_target(lambda name: build_image(ImageOptions(name)), lab, base)


# --- Check the project


@task(
    help={
        "k": "only tests that match this expression (pytest -k)",
        "unit": "only the unit tests, which need no target",
        "integration": "only the tests that boot targets",
        "kernel": "boot targets with another kernel: 6.1, 6.12, newest, or a debug kernel by its name",
        "from": "kernel, or disk: the session's target boots from the disk image, as a board does",
        "debug": "the tests that reach the module, on the debug kernels: lockdep, kasan, kcsan, rt",
        "coverage": "the tests that use the module, and which lines of it they reach",
        "base": "image of the targets: auto, debian or buildroot",
        "target": "a board instead of QEMU, over its console: serial:/dev/ttyUSB0, or with @BAUD",
        "fuzz": "the fuzz targets of parsers and libraries alone, each for so many seconds",
        "seed": "with --fuzz: of other inputs than those of the suite",
    }
)
@exit_on_error
def test(
    ctx: Context,
    *,
    k: str = "",
    unit: bool = False,
    integration: bool = False,
    kernel: str = "",
    debug: bool = False,
    coverage: bool = False,
    base: str = "auto",
    target: str = "",
    from_: str = "kernel",
    fuzz: int = 0,
    seed: int = 0,
) -> None:
    """Run the unit tests, then those in booted targets; after -- whatever pytest knows."""
    from devkit.commands.cli import after_dashes
    from devkit.commands.test import run_fuzz_targets, run_tests

    if fuzz:
        run_fuzz_targets(fuzz, seed, k or None, after_dashes())
        return

    only = None if unit == integration else "unit" if unit else "integration"
    run_tests(
        only, k or None, after_dashes(), kernel=kernel or None, debug=debug, measured=coverage,
        target=target or None, source=from_, base=base,
    )  # fmt: skip


@task(
    help={
        "seconds": "how long to look for new sequences of calls",
        "seed": "of the random numbers (default: the time)",
        "reduce": "shorten the corpus at the end, which takes minutes",
        "kernel": "flavour of the target's kernel; only kasan has kcov, others do not learn",
    }
)
@exit_on_error
def fuzz(
    ctx: Context, *, seconds: int = 600, seed: int = 0, reduce: bool = False, kernel: str = "kasan"
) -> None:
    """Fuzz the module's ABI, guided by kcov; what is new goes into tests/guest/fuzz/corpus.txt."""
    from devkit.fuzz import fuzzer

    fuzzer.fuzz(fuzzer.FuzzRequest(seconds, seed, reduce, kernel))


@task
@exit_on_error
def lint(ctx: Context) -> None:
    """Run all static checks: ruff, mypy, shellcheck, checkpatch, and analysis of the C code."""
    from devkit.commands.lint import lint as run_lint

    run_lint()


@task
@exit_on_error
def lock(ctx: Context) -> None:
    """Resolve pyproject.toml's Python packages anew and write requirements.txt, their versions and hashes."""
    from devkit.host.requirements import lock as write_lock

    write_lock()


# --- The kernel module


@task(
    name="reload",
    help={"lab": "name of the lab whose target gets it", "base": "what it booted: auto, debian or buildroot"},
)
@exit_on_error
def kmod_reload(ctx: Context, lab: str = "default", base: str = "auto") -> None:
    """Build kmod/ again and put the module into a running target, in place of the old one."""
    from devkit.commands.reload_module import reload_module
    from devkit.host.paths import OUT
    from devkit.image.base_choice import ImageOptions
    from devkit.image.image import Image

    reload_module(lab, Image(OUT / ImageOptions(base).folder))


_TASKS: tuple[Any, ...] = (
    doctor,
    *building.TASKS,
    flash,
    demo,
    bench,
    tune,
    boot,
    console,
    run,
    status,
    down,
    update,
    test,
    fuzz,
    lint,
    lock,
)
namespace = Collection(*_TASKS)
kmod = Collection("kmod")
kmod.add_task(cast(Any, kmod_reload))
namespace.add_collection(kmod)
