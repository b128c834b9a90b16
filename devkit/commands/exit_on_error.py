# SPDX-License-Identifier: MIT
"""Border between the tasks and the library: a failure becomes a message and an exit status."""

from __future__ import annotations

import errno
import functools
import traceback
from collections.abc import Callable
from typing import ParamSpec

from invoke.exceptions import Exit

from devkit.host.errors import KitError
from devkit.host.paths import LOGS
from devkit.host.terminal_text import printable

P = ParamSpec("P")

#: What a file's place has no room or no right for.
_PLACE = {errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS}

#: Of a process that Ctrl-C ended, as shells have it.
INTERRUPTED = 130


def exit_on_error(body: Callable[P, None]) -> Callable[P, None]:
    """Task body whose KitError is printed as it is, with its status, and never as a traceback.

    An error that the kit did not foresee is told in one line; its traceback goes to a log.
    """

    @functools.wraps(body)
    def guard(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            body(*args, **kwargs)
        except KitError as error:
            raise Exit(str(error), error.status) from None
        except KeyboardInterrupt:
            raise Exit("interrupted", INTERRUPTED) from None
        except Exit:
            raise
        except OSError as error:
            raise Exit(*_of_a_place(error)) from None
        except Exception as error:
            raise Exit(_unforeseen(error), 1) from None

    return guard


def _of_a_place(error: OSError) -> tuple[str, int]:
    """Message and status of a file that cannot be used for reasons that lie in this machine."""
    if error.errno not in _PLACE or not error.filename:
        return _unforeseen(error), 1
    what = f"{error.filename} cannot be used: {error.strerror}"
    remedy = "is its file system full or read-only, or did another user (sudo) make it? df, ls -l"
    return str(KitError("FQ-PLACE", what, remedy)), 1


def _unforeseen(error: Exception) -> str:
    log = LOGS / "traceback.log"
    what = f"{type(error).__name__}: {error}"
    lines = traceback.format_exception(error)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(lines))
    except OSError:
        return printable(f"FQ-BUG: {what}\n" + "".join(lines))
    return str(KitError("FQ-BUG", what, "this is a fault of the kit: report it with the log", log=log))
