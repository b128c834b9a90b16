# SPDX-License-Identifier: MIT
"""What is sent, and the network inside the target that it passes."""
