# SPDX-License-Identifier: MIT
"""One command at a time over QEMU's own control socket (QMP)."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from devkit.host import unix_peer
from devkit.host.errors import KitError

_TIME = 10.0


def execute(path: Path, command: str, arguments: dict[str, object] | None = None) -> object:
    """Connect, run one QMP command and return its answer; KitError FQ-QMP where QEMU does not answer."""
    from qemu.qmp import QMPClient, QMPError

    async def once() -> object:
        client = QMPClient("fastqueue")
        sock = unix_peer.connect(path)
        sock.setblocking(False)
        await client.connect(sock)
        try:
            return await client.execute(command, arguments)
        finally:
            with contextlib.suppress(QMPError, EOFError):
                await client.disconnect()

    try:
        return asyncio.run(asyncio.wait_for(once(), _TIME))
    except (OSError, QMPError, TimeoutError, EOFError) as error:
        what = f"QEMU does not answer to {command}: {error or type(error).__name__}"
        raise KitError("FQ-QMP", what, "./inv down ends the target whatever it does") from error
