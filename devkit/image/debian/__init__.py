# SPDX-License-Identifier: MIT
"""The Debian base: packages, their lists, and the userspace that is made of them."""
