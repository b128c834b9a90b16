# SPDX-License-Identifier: MIT
"""Labs: a client and a server network around a target, in namespaces that end with their supervisor."""
