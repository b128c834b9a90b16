# SPDX-License-Identifier: MIT
"""What each ./inv task does, a module per task; only tasks.py imports this package."""
