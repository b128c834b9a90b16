# SPDX-License-Identifier: MIT
"""How figures are taken: traffic made inside, traffic from outside, TCP streams, sweeps."""
