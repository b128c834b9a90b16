# SPDX-License-Identifier: MIT
"""``python3 -m fastqueue``."""

import sys

from .cli import main

sys.exit(main())
