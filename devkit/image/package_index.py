# SPDX-License-Identifier: MIT
"""Files of the Python package index that pip is configured for, verified before anything reads them.

pip is asked for its configuration only: to download a source package it would run that package's build
backend first. Here a file is fetched by its address and compared with its SHA-256, and that is all.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit

from devkit.host import run_command
from devkit.host.errors import KitError

#: pip itself reads its files, its environment variables and its defaults.
_ASK_PIP = """
import json
from pip._internal.commands import create_command
options, _ = create_command("download").parse_args([])
names = "index_url extra_index_urls find_links no_index cert proxy trusted_hosts".split()
print(json.dumps({name: getattr(options, name) for name in names}))
"""
_TIMEOUT = 60.0
_CHUNK = 1 << 16
#: Bytes of the longest page and of the longest file that is taken.
_LONGEST_PAGE = 64 << 20
_LONGEST_FILE = 256 << 20
_ACCEPT = "application/vnd.pypi.simple.v1+html, text/html;q=0.2, */*;q=0.1"


@dataclass(frozen=True)
class Link:
    """A file that an index offers; ``sha256`` is what the index says of it, or empty."""

    url: str
    name: str
    sha256: str = ""


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def fetch(project: str, matches: Callable[[Link], bool], sha256: str, into: Path) -> Path:
    """Download the first file of ``project`` that ``matches`` and has the hash; return it in ``into``.

    KitError FQ-DOWNLOAD where no index has such a file, or what it has is another one. Nothing is unpacked.
    """
    into.mkdir(parents=True, exist_ok=True)
    problems = []
    for page in _pages(project):
        try:
            offered = [link for link in links(page) if matches(link)]
        except OSError as error:
            problems.append(f"{_shown(page)}: {error}")
            continue
        for link in offered:
            try:
                return _download(link, sha256, into)
            except OSError as error:
                problems.append(f"{_shown(link.url)}: {error}")
    what = f"no package index has the file of {project} with the SHA-256 {sha256}"
    remedy = "check the network and pip's configuration (pip config list)"
    raise KitError("FQ-DOWNLOAD", what, remedy, lines=problems)


def normalized(project: str) -> str:
    """Name of a project as indexes and file names compare it."""
    return re.sub(r"[-_.]+", "-", project).lower()


def is_source(link: Link, project: str, version: str) -> bool:
    """Whether a link is the source archive of a version."""
    stem = re.sub(r"\.(tar\.gz|tar\.bz2|tar\.xz|zip)$", "", link.name)
    return stem != link.name and normalized(stem) == normalized(f"{project}-{version}")


def links(page: str) -> Iterator[Link]:
    """Links of an index's page, or of a directory (``find-links``); OSError where it cannot be read."""
    path = _local(page)
    if path is not None and path.is_dir() and not (path / "index.html").exists():
        yield from (Link(file.as_uri(), file.name) for file in sorted(path.iterdir()) if file.is_file())
        return
    address = f"{page.rstrip('/')}/index.html" if path is not None and path.is_dir() else page
    with _open(address) as answer:
        parser = _Anchors()
        parser.feed(answer.read(_LONGEST_PAGE).decode(errors="replace"))
        base = getattr(answer, "url", None) or address
    for reference in parser.found:
        url, fragment = urldefrag(urljoin(_with_user(base, page), reference))
        name = unquote(urlsplit(url).path.rpartition("/")[2])
        yield Link(url, name, fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else "")


def _pages(project: str) -> Iterator[str]:
    settings = _settings()
    if not settings["no_index"]:
        for index in (settings["index_url"], *settings["extra_index_urls"]):
            yield f"{index.rstrip('/')}/{normalized(project)}/"
    for place in settings["find_links"]:
        yield place if re.match(r"[a-z]+://|file:", place) else Path(place).absolute().as_uri()


@functools.cache
def _settings() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run_command.run(run_command.python("-c", _ASK_PIP)))
    return found


def _download(link: Link, sha256: str, into: Path) -> Path:
    name = Path(link.name).name
    if not name or name != link.name or name.startswith("."):
        raise OSError(f"{link.name!r} is not a file name")
    place, digest, size = into / name, hashlib.sha256(), 0
    place.unlink(missing_ok=True)
    try:
        with _open(link.url) as answer, place.open("xb") as file:
            while chunk := answer.read(_CHUNK):
                size += len(chunk)
                if size > _LONGEST_FILE:
                    raise OSError(f"it is longer than {_LONGEST_FILE} bytes")
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            raise OSError(f"it has another SHA-256: {digest.hexdigest()}")
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    return place


def _open(url: str) -> IO[bytes]:
    parts = urlsplit(url)
    headers = {"Accept": _ACCEPT}
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
        url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    if parts.scheme not in {"http", "https", "file"}:
        raise OSError(f"{parts.scheme}: is not supported")
    answer: IO[bytes] = _opener(parts.hostname or "").open(
        urllib.request.Request(url, headers=headers), timeout=_TIMEOUT
    )
    return answer


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and passes user and password on to the same server only."""

    def redirect_request(  # noqa: PLR0917 (as urllib has it)
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in {"http", "https"}:
            raise OSError(f"redirected to {_shown(newurl)}, which is not supported")
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None:
            # The proxy gets its own again if there is one on the way to the new address.
            request.remove_header("Proxy-authorization")
            if _origin(newurl) != _origin(req.full_url):
                request.remove_header("Authorization")
        return request


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port: what a user name and a password belong to."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _opener(host: str) -> urllib.request.OpenerDirector:
    settings = _settings()
    context = ssl.create_default_context(cafile=settings["cert"] or None)
    if host in {one.partition(":")[0] for one in settings["trusted_hosts"]}:
        # The user's pip trusts it without a certificate; the hash decides here anyway.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context), _Redirects()]
    if settings["proxy"]:
        handlers.append(urllib.request.ProxyHandler(dict.fromkeys(("http", "https"), settings["proxy"])))
    return urllib.request.build_opener(*handlers)


def _local(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _with_user(url: str, page: str) -> str:
    """Return ``url`` with the user and password of ``page``, if both are of the same server."""
    parts, first = urlsplit(url), urlsplit(page)
    if first.username is None or parts.username is not None or _origin(url) != _origin(page):
        return url
    return urlunsplit(parts._replace(netloc=first.netloc))


def _shown(url: str) -> str:
    """Return an address without user and password, for a message."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
