# SPDX-License-Identifier: MIT
"""Programs for the target; run with ``python3 -m`` beside this folder."""
