# SPDX-License-Identifier: MIT
"""Parts of the C code on models of what is around them."""
