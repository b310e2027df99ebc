"""Addresses that others name: none leads into a private network, by whatever spelling, name or redirect."""

import http.server
import ipaddress
import itertools
import socket
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from types import SimpleNamespace

import pytest

from apps.api import addresses, fetching
from apps.api.addresses import AddressRefused, is_public, target_of
from apps.api.fetching import FetchFailed, TooLarge, TooSlow, fetch
from apps.api.webhook_addresses import check_webhook_url
from apps.assets import files
from studio.errors import StudioError

PUBLIC = "93.184.216.34"


@pytest.fixture
def names(monkeypatch):
    """Names and what they resolve to, in this order at each look; numbers are read as the system reads them."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host, port, *args, **kwargs):
        if host in known:
            answers = known[host]
            found = answers.pop(0) if len(answers) > 1 else answers[0]
            return [(0, 0, 0, "", (ip, port)) for ip in found]
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(addresses.socket, "getaddrinfo", look_up)
    return known


class Site(http.server.BaseHTTPRequestHandler):
    """A site of many faces; ``reached`` counts the requests it got."""

    reached: list[str] = []
    pages: dict = {}

    def do_GET(self):
        self.reached.append(self.path)
        page = self.pages[self.path.split("?")[0]]
        page(self)

    def log_message(self, *args):
        pass


@pytest.fixture
def site():
    Site.reached, Site.pages = [], {}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def gives(data: bytes, status: int = 200, **headers: str):
    def page(handler):
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return page


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "0177.0x0.1",
        "017700000001",
        "127.0.0.1.",
        "LOCALHOST.",
        "１２７.0.0.1",
        "①②⑦.0.0.1",
        "0.0.0.0",
        "0",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b:1::7f00:1]",
        "[2001:0:7f00:1::80ff:fffe]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fec0::1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ],
)
def test_private_addresses_are_refused_in_every_spelling(host, site, tmp_path):
    with pytest.raises(FetchFailed):
        fetch(f"http://{host}:{site}/x", tmp_path / "x", limit=10, seconds=5)
    assert Site.reached == []


@pytest.mark.parametrize("ip", [PUBLIC, "1.1.1.1", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_addresses_of_the_open_internet_are_public(ip):
    assert is_public(ipaddress.ip_address(ip))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://site.example/x", "begin with"),
        ("file:///etc/passwd", "begin with"),
        ("gopher://site.example", "begin with"),
        ("http://user:pass@site.example/", "user name"),
        ("http:///x", "no host"),
        ("http://site.example:99999/", "cannot be read"),
        ("http://site.example\\@127.0.0.1/", "characters"),
        ("http://site.example/a b", "characters"),
        ("http://[::1/", "cannot be read"),
    ],
)
def test_addresses_that_are_none(url, why, names):
    names["site.example"] = [[PUBLIC]]
    with pytest.raises(AddressRefused, match=why):
        target_of(url)


def test_one_private_address_among_several_is_enough(names):
    names["site.example"] = [[PUBLIC, "127.0.0.1"]]
    with pytest.raises(AddressRefused, match="private network"):
        target_of("http://site.example/")


def test_the_connection_goes_to_the_address_that_was_checked(names):
    names["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]
    target = target_of("https://rebind.example/film.mp4?x=1")
    pool = target.pool(addresses.urllib3.Timeout(1), seconds=1)
    assert (pool.host, pool.port, target.path) == (PUBLIC, 443, "/film.mp4?x=1")
    assert (pool.conn_kw["server_hostname"], pool.assert_hostname, pool.cert_reqs) == (
        "rebind.example",
        "rebind.example",
        "CERT_REQUIRED",
    )
    assert target.host_header == "rebind.example"
    with pytest.raises(AddressRefused):  # the second look finds the other address, and refuses it
        target_of("https://rebind.example/")


def test_a_redirect_into_a_private_network_is_refused(names, site, tmp_path, monkeypatch):
    """The first hop is let through to our site as if it were public; the second is checked like any address."""
    Site.pages = {"/go": gives(b"", 302, Location=f"http://127.0.0.1:{site}/inside"), "/inside": gives(b"secret")}
    names["open.example"] = [["127.0.0.1"]]
    checked = addresses.checked_ip
    monkeypatch.setattr(addresses, "checked_ip", lambda h, p: "127.0.0.1" if h == "open.example" else checked(h, p))
    with pytest.raises(FetchFailed, match="private network"):
        fetch(f"http://open.example:{site}/go", tmp_path / "x", limit=100, seconds=5)
    assert Site.reached == ["/go"]


@pytest.fixture
def open_net(settings):
    """A studio that may fetch from its own network."""
    settings.PRIVATE_URLS = True


def test_it_fetches_through_redirects(open_net, site, tmp_path):
    Site.pages = {"/a": gives(b"", 301, Location="/b?v=2"), "/b": gives(b"film")}
    got = fetch(f"http://127.0.0.1:{site}/a", tmp_path / "x", limit=100, seconds=5)
    assert ((tmp_path / "x").read_bytes(), got.size, Site.reached) == (b"film", 4, ["/a", "/b?v=2"])


def test_a_circle_of_redirects_ends(open_net, site, tmp_path):
    Site.pages = {"/a": gives(b"", 302, Location="/a")}
    with pytest.raises(FetchFailed, match="redirects more than 5 times"):
        fetch(f"http://127.0.0.1:{site}/a", tmp_path / "x", limit=100, seconds=5)
    assert len(Site.reached) == 6


@pytest.mark.parametrize("headers", [{}, {"Content_Length": "0", "Transfer_Encoding": "identity"}])
def test_too_large_is_found_by_the_bytes_that_come(open_net, site, tmp_path, headers):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"x" * 5000)

    Site.pages = {"/big": gives(b"x" * 5000) if headers else endless}
    with pytest.raises(TooLarge):
        fetch(f"http://127.0.0.1:{site}/big", tmp_path / "x", limit=1000, seconds=5)


def test_a_file_that_would_fill_the_disk_is_not_taken_whole(open_net, site, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "DISK_RESERVE", 10**18)
    Site.pages = {"/a": gives(b"film")}
    with pytest.raises(StudioError) as refused:
        fetch(f"http://127.0.0.1:{site}/a", tmp_path / "x", limit=100, seconds=5)
    assert (refused.value.status, (tmp_path / "x").stat().st_size, Site.reached) == (507, 0, ["/a"])


@pytest.mark.parametrize("status", [404, 403, 500, 204])
def test_other_answers_are_failures(open_net, site, tmp_path, status):
    Site.pages = {"/x": gives(b"", status)}
    with pytest.raises(FetchFailed):
        fetch(f"http://127.0.0.1:{site}/x", tmp_path / "x", limit=100, seconds=5)


def test_time_runs_out(open_net, site, tmp_path, monkeypatch):
    Site.pages = {"/x": gives(b"film")}
    clock = itertools.chain([0.0, 1.0], itertools.repeat(99.0))
    monkeypatch.setattr(fetching, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with pytest.raises(TooSlow):
        fetch(f"http://127.0.0.1:{site}/x", tmp_path / "x", limit=100, seconds=5)


def test_a_broken_connection_is_taken_up_again(open_net, site, tmp_path):
    whole = bytes(range(200))
    asked = []

    def breaking(handler):
        asked.append(handler.headers.get("Range"))
        start = int(asked[-1].removeprefix("bytes=").rstrip("-")) if asked[-1] else 0
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-199/200")
        handler.send_header("Content-Length", str(200 - start))
        handler.send_header("ETag", '"v1"')
        handler.end_headers()
        handler.wfile.write(whole[start : start + 120])

    Site.pages = {"/x": breaking}
    fetch(f"http://127.0.0.1:{site}/x", tmp_path / "x", limit=1000, seconds=5)
    assert (tmp_path / "x").read_bytes() == whole
    assert asked == [None, "bytes=120-"]


def test_nothing_listens(open_net, tmp_path):
    with pytest.raises(FetchFailed, match="broke off"):
        fetch("http://127.0.0.1:1/x", tmp_path / "x", limit=10, seconds=5)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (302, {"Location": "http://[::1/x"}),
        (206, {"Content-Range": "bytes 999999999-"}),
        (302, {"Location": "http://x\u00b2.invalid/"}),
    ],
)
def test_answers_made_to_trip_are_failures(open_net, site, tmp_path, status, headers):
    Site.pages = {"/x": gives(b"film" if status == 206 else b"", status, **headers)}
    with pytest.raises(FetchFailed):
        fetch(f"http://127.0.0.1:{site}/x", tmp_path / "x", limit=100, seconds=5)
    assert (tmp_path / "x").stat().st_size == 0


def test_a_head_that_never_ends_is_hung_up(open_net, site, tmp_path, monkeypatch):
    over = threading.Event()

    def dripping(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.05):
            handler.wfile.write(b"X-More: 1\r\n"[:1])

    Site.pages = {"/x": dripping}
    monkeypatch.setattr(fetching, "TRIES", 1)
    try:
        with pytest.raises((FetchFailed, TooSlow)):
            fetch(f"http://127.0.0.1:{site}/x", tmp_path / "x", limit=100, seconds=1)
    finally:
        over.set()


def test_a_host_with_letters_of_its_own_is_asked_for_by_its_name_in_the_network(names):
    names["xn--r8jz45g.example"] = [[PUBLIC]]
    target = target_of("https://\u4f8b\u3048.example/film.mp4")
    assert target.host_header == "xn--r8jz45g.example"


def test_a_range_or_length_too_long_to_be_a_number_is_no_number(open_net, site, tmp_path):
    Site.pages = {"/x": gives(b"film", 206, Content_Range=f"bytes {'9' * 5000}-")}
    assert fetch(f"http://127.0.0.1:{site}/x", tmp_path / "x", limit=100, seconds=5).size == 4


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch):
    answered = threading.Event()

    def look_up(*args, **kwargs):
        answered.wait(20)
        return [(0, 0, 0, "", (PUBLIC, 443))]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(addresses, "RESOLVE_S", 0.05)
    try:
        with pytest.raises(AddressRefused, match="in time"):
            target_of("https://slow.example/")
    finally:
        answered.set()


def test_look_ups_that_nobody_waits_for_hold_up_no_others(monkeypatch):
    answered, asked = threading.Event(), []

    def look_up(host, *args, **kwargs):
        asked.append(host)
        answered.wait(20)
        return [(0, 0, 0, "", (PUBLIC, 443))]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(addresses, "RESOLVE_S", 0.02)
    monkeypatch.setattr(addresses, "_resolving", ThreadPoolExecutor(1))
    try:
        for number in range(3):
            with pytest.raises(AddressRefused, match="in time"):
                target_of(f"https://slow-{number}.example/")
    finally:
        answered.set()
    monkeypatch.setattr(addresses, "RESOLVE_S", 5.0)
    assert target_of("https://site.example/").ip == PUBLIC
    assert asked == ["slow-0.example", "site.example"]


def test_slow_name_servers_hold_few_requests(monkeypatch):
    answered = threading.Event()

    def look_up(*args, **kwargs):
        answered.wait(20)
        return [(0, 0, 0, "", (PUBLIC, 443))]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", look_up)
    with ThreadPoolExecutor(8) as pool:
        checks = [pool.submit(check_webhook_url, "https://slow.example/") for _ in range(8)]
        try:
            wait(checks, timeout=1)
            assert sum(check.done() for check in checks) >= 6
        finally:
            answered.set()


def test_the_spelling_of_an_address_is_checked_without_looking_it_up(names):
    names["site.example"] = []  # a look-up would fail
    assert addresses.spelled("https://site.example/x?y=1") == ("https", "site.example", 443, "/x?y=1")
    with pytest.raises(AddressRefused, match="user name"):
        addresses.spelled("https://a:b@site.example/")
