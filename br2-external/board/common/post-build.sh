#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Last touches to Buildroot's target folder ($1), so that it is what the overlay expects, as the Debian
# base's root is too: the overlay's rcS does all that the start needs.

set -eu

target=$1

# Where a read-only root file system needs a folder to mount on.
for folder in dev proc sys run tmp var root mnt data; do
	[ -L "$target/$folder" ] && rm "$target/$folder"
	mkdir -p "$target/$folder"
done
# What the overlay's rcS mounts tmpfs on stays empty.
find "$target/var" "$target/root" "$target/run" "$target/tmp" -mindepth 1 -delete

# Start scripts of packages, and settings of services that do not run here.
rm -rf "$target"/etc/init.d/[SK]* "$target/etc/init.d/rcK" "$target/etc/network"
rm -f "$target/etc/resolv.conf" "$target/etc/mtab"

# Of CPython's library what a target has no use for.
for python in "$target"/usr/lib/python3.*; do
	for name in ensurepip idlelib lib2to3 pydoc_data test tkinter turtledemo venv sqlite3 curses dbm \
		xmlrpc wsgiref; do
		rm -rf "${python:?}/$name"
	done
	for name in __phello__ antigravity doctest imaplib mailbox poplib pydoc smtplib this turtle webbrowser \
		_pydecimal _pyio _aix_support _android_support _apple_support _ios_support _osx_support nturl2path; do
		rm -rf "$python/$name.py" "$python/$name.pyc" "$python/${name:?}"
	done
	rm -f "$python"/lib-dynload/_test* "$python"/lib-dynload/_xx* "$python"/lib-dynload/xx*
	rm -f "$python"/lib-dynload/_ctypes_test*
	rm -rf "$python"/config-3.*
done
