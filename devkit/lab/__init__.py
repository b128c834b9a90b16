# SPDX-License-Identifier: MIT
"""A client and a server network around a target, in namespaces that end with their supervisor.

Imports host and hardware.
"""
