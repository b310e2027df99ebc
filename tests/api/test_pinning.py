"""HTTPS to a checked address: the certificate must be the host's, whatever address its name leads to."""

import datetime
import http.server
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.api import addresses
from apps.api.fetching import FetchFailed, fetch

DAY = datetime.timedelta(days=1)


def certificate(name: str, key, *, issuer: str, signer, authority: bool = False) -> x509.Certificate:
    """A certificate for a name, valid around now, signed by ``signer``."""
    now = datetime.datetime.now(datetime.UTC)
    named = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, issuer)]
    builder = (
        x509.CertificateBuilder(named[1], named[0], key.public_key(), x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(signer, hashes.SHA256())


@pytest.fixture
def films(tmp_path, settings, monkeypatch):
    """A site for ``films.example`` on this machine, with an authority of its own that the studio trusts."""
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate("Test authority", authority, issuer="Test authority", signer=authority, authority=True)
    leaf = certificate("films.example", own, issuer="Test authority", signer=authority)
    pem = serialization.Encoding.PEM
    trusted, chain = tmp_path / "trusted.pem", tmp_path / "site.pem"
    trusted.write_bytes(root.public_bytes(pem))
    secret = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(secret + leaf.public_bytes(pem))

    class Site(http.server.BaseHTTPRequestHandler):
        hosts: list[str] = []

        def do_GET(self):
            self.hosts.append(self.headers["Host"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"film")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    settings.PRIVATE_URLS = True
    real = addresses.socket.getaddrinfo
    here = [(0, 0, 0, "", ("127.0.0.1", server.server_port))]
    monkeypatch.setattr(
        addresses.socket, "getaddrinfo", lambda host, *rest, **more: here if "example" in host else real(host, *rest)
    )
    monkeypatch.setattr(addresses.certifi, "where", lambda: str(trusted))
    yield server.server_port, Site.hosts
    server.shutdown()
    server.server_close()


def test_the_host_is_asked_for_at_the_address_that_was_checked(films, tmp_path: Path):
    port, hosts = films
    fetch(f"https://films.example:{port}/a.mp4", tmp_path / "a", limit=100, seconds=10)
    assert (tmp_path / "a").read_bytes() == b"film" and hosts == [f"films.example:{port}"]


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
def test_a_certificate_of_another_host_is_refused(films, tmp_path: Path, host):
    port, hosts = films
    with pytest.raises(FetchFailed):
        fetch(f"https://{host}:{port}/a.mp4", tmp_path / "a", limit=100, seconds=10)
    assert not hosts


def test_an_authority_that_nobody_knows_is_refused(films, tmp_path: Path, monkeypatch):
    port, hosts = films
    monkeypatch.undo()
    monkeypatch.setattr(addresses, "checked_ip", lambda host, port: "127.0.0.1")
    with pytest.raises(FetchFailed):
        fetch(f"https://films.example:{port}/a.mp4", tmp_path / "a", limit=100, seconds=10)
    assert not hosts
