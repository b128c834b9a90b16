# SPDX-License-Identifier: MIT
"""Nothing of a download runs or is unpacked before its hash is right; an index in a folder stands for one."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from devkit.host.errors import KitError
from devkit.image import package_index, pypi

_BACKEND = 'open({marker!r}, "w")\nimport setuptools\nsetuptools.setup(name="a-thing", version="1.0")\n'


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page of the project a-thing; pip is configured for that index alone."""
    page = tmp_path / "simple/a-thing"
    page.mkdir(parents=True)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    package_index._settings.cache_clear()
    yield page
    package_index._settings.cache_clear()


def offer(page: Path, marker: Path, name: str = "a_thing-1.0.tar.gz") -> str:
    """Put a source package on the page, whose set-up leaves ``marker``; return its hash."""
    tree = page.parent.parent / "a_thing-1.0"
    tree.mkdir(exist_ok=True)
    (tree / "setup.py").write_text(_BACKEND.format(marker=str(marker)))
    with tarfile.open(page / name, "w:gz") as archive:
        archive.add(tree, "a_thing-1.0")
    (page / "index.html").write_text(f'<a href="{name}#sha256=00">{name}</a><a href="other-2.zip">other</a>')
    return hashlib.sha256((page / name).read_bytes()).hexdigest()


def test_sources_are_unpacked_and_not_run(index: Path, tmp_path: Path) -> None:
    digest = offer(index, tmp_path / "ran")
    found = pypi.sources(tmp_path, f"A.Thing==1.0 --hash=sha256:{digest}")
    assert (found / "setup.py").is_file()
    assert not (tmp_path / "ran").exists()


def test_another_file_is_neither_run_nor_unpacked_nor_kept(index: Path, tmp_path: Path) -> None:
    offer(index, tmp_path / "ran")
    with pytest.raises(KitError) as caught:
        pypi.sources(tmp_path, f"a-thing==1.0 --hash=sha256:{'0' * 64}")
    assert caught.value.code == "FQ-DOWNLOAD"
    assert "another SHA-256" in "\n".join(caught.value.lines)
    assert not (tmp_path / "ran").exists()
    assert not list(tmp_path.glob("a-thing-*/*"))


def test_the_next_place_is_asked_where_the_first_has_another_file(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = tmp_path / "more/a-thing"
    more.mkdir(parents=True)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", (tmp_path / "more").as_uri())
    offer(index, tmp_path / "first")
    digest = offer(more, tmp_path / "second")
    found = pypi.sources(tmp_path, f"a-thing==1.0 --hash=sha256:{digest}")
    assert "second" in (found / "setup.py").read_text()


def test_a_folder_of_files_serves(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = offer(index, tmp_path / "ran")
    (index / "index.html").unlink()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    assert pypi.sources(tmp_path, f"a-thing==1.0 --hash=sha256:{digest}").is_dir()


def test_a_server_with_a_password(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = offer(index, tmp_path / "ran")

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Authorization"] == "Basic dXNlcjpwYXNz"
            self.send_response(200 if known else 401)
            self.end_headers()
            name = self.path.rpartition("/")[2] or "index.html"
            if known:
                self.wfile.write((index / name).read_bytes())

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        place = f"127.0.0.1:{server.server_port}"
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://user:pass@{place}/simple")
        assert pypi.sources(tmp_path, f"a-thing==1.0 --hash=sha256:{digest}").is_dir()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://user:secret@{place}/simple")
        package_index._settings.cache_clear()
        with pytest.raises(KitError) as caught:
            pypi.sources(tmp_path / "again", f"a-thing==1.0 --hash=sha256:{digest}")
        assert "401" in str(caught.value)
        assert "secret" not in str(caught.value)
    finally:
        server.shutdown()
        server.server_close()


class Server:
    """A server on this machine that notes who asks, and answers with ``page`` or sends on to ``to``."""

    def __init__(self, host: str, page: bytes = b"", to: str = "") -> None:
        self.seen: list[tuple[str, str | None]] = []
        self.proxy_logins: list[str | None] = []
        seen, proxy_logins = self.seen, self.proxy_logins

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append((self.path, self.headers["Authorization"]))
                proxy_logins.append(self.headers["Proxy-Authorization"])
                moved = bool(to) and not self.path.startswith("/moved")
                self.send_response(302 if moved else 200)
                if moved:
                    self.send_header("Location", to)
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer((host, 0), Handler)
        self.address = f"{host}:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


_LOGIN = "Basic dXNlcjpwYXNz"


@pytest.mark.usefixtures("index", "no_proxy")
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_a_redirect_to_another_server_gets_no_password(host: str) -> None:
    with (
        Server(host, b'<a href="/x/one-1.zip">a</a>') as other,
        Server("127.0.0.1", to=f"http://{other.address}/") as first,
    ):
        (link,) = package_index.links(f"http://user:pass@{first.address}/simple/one/")
    assert first.seen == [("/simple/one/", _LOGIN)]
    assert other.seen == [("/", None)]
    assert link.url == f"http://{other.address}/x/one-1.zip"


@pytest.mark.usefixtures("index", "no_proxy")
def test_a_redirect_past_the_proxy_gets_no_password_of_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server("127.0.0.2") as other, Server("127.0.0.1", to=f"http://{other.address}/") as proxy:
        monkeypatch.setenv("PIP_PROXY", f"http://user:pass@{proxy.address}")
        monkeypatch.setenv("no_proxy", "127.0.0.2")
        assert not list(package_index.links("http://index.example/simple/one/"))
    assert proxy.proxy_logins == [_LOGIN]
    assert (len(other.seen), other.proxy_logins) == (1, [None])


@pytest.mark.usefixtures("index", "no_proxy")
def test_a_redirect_within_a_server_keeps_the_password() -> None:
    with Server("127.0.0.1", b'<a href="one-1.zip">a</a>', to="/moved/") as server:
        (link,) = package_index.links(f"http://user:pass@{server.address}/simple/one")
    assert server.seen == [("/simple/one", _LOGIN), ("/moved/", _LOGIN)]
    assert link.url == f"http://user:pass@{server.address}/moved/one-1.zip"


@pytest.mark.usefixtures("index", "no_proxy")
def test_a_redirect_to_what_is_no_web_server_is_refused(tmp_path: Path) -> None:
    for to in ("ftp://127.0.0.1/x", tmp_path.as_uri()):
        with Server("127.0.0.1", to=to) as server, pytest.raises(OSError):
            list(package_index.links(f"http://{server.address}/simple/one/"))


@pytest.mark.parametrize(
    "url", ["http://h.example/x", "https://h.example:444/x", "https://i.example/x", "https://a@h.example/x"]
)
def test_a_link_to_another_server_gets_no_password(url: str) -> None:
    assert package_index._with_user(url, "https://user:pass@h.example/simple/") == url
    same = package_index._with_user("https://h.example:443/x", "https://user:pass@h.example/simple/")
    assert same == "https://user:pass@h.example/x"


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ["..", "a%2fb", ".hidden"])
def test_a_name_that_leaves_the_folder_is_refused(
    name: str, index: Path, tmp_path: Path, always: Callable[[object], bool]
) -> None:
    (index / "index.html").write_text(f'<a href="{name}">x</a>')
    with pytest.raises(KitError):
        package_index.fetch("a-thing", always, "0" * 64, tmp_path / "into")
    assert not list((tmp_path / "into").iterdir())


@pytest.fixture
def always() -> Callable[[object], bool]:
    return lambda _: True
