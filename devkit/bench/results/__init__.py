# SPDX-License-Identifier: MIT
"""Raw figures on disk, and what is computed from them."""
