# SPDX-License-Identifier: MIT
"""Import the package from its sources, also where it is not installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "pyhandler" / "src"))
