# SPDX-License-Identifier: MIT
"""Programs that run in the target."""
