# SPDX-License-Identifier: MIT
"""Host side of the Fast Queue development kit: build, boot, drive, measure, flash."""
