# SPDX-License-Identifier: MIT
"""Build of the target's image: kernel, module, user land, root file system."""
