# SPDX-License-Identifier: MIT
"""Coverage-guided fuzzing of the module's ABI in a target whose kernel has kcov.

Imports the packages down to target.
"""
