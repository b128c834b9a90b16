# SPDX-License-Identifier: MIT
"""Exit statuses of the task flash; docs/flash.md has them too."""

from __future__ import annotations

#: No device was named, or a wrong argument.
USAGE = 2
#: The image is missing, damaged or not described, or not for the named board.
IMAGE = 10
#: The device is none to write to; nothing was written.
REFUSED = 11
#: Nobody confirmed it; nothing was written.
NOT_CONFIRMED = 12
#: This user may not write to the device; nothing was written.
NOT_PERMITTED = 13
#: Writing failed: the target is incomplete.
WRITE = 20
#: What was read back is not what was written, or could not be read.
VERIFY = 21
#: Interrupted; the message says what the target is now.
INTERRUPTED = 130
