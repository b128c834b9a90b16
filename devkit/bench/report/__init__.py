# SPDX-License-Identifier: MIT
"""The report: HTML, tables and figures."""
