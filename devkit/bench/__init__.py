# SPDX-License-Identifier: MIT
"""The benchmark: paths, workloads, methods, results and report. Imports the packages down to suricata."""
