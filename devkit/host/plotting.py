# SPDX-License-Identifier: MIT
"""matplotlib, loaded without the matplotlibrc that may lie in the working directory: it can name modules."""

from __future__ import annotations

import contextlib

with contextlib.chdir("/"):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

__all__ = ["Figure", "FigureCanvasAgg"]
