"""``igtlmeta serve`` for others: who may come in, TLS, and signals; the client's options."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from cli import forked
from cli.command import SECONDS, ended, igtlmeta, serving
from helpers.certificates import Authority
from helpers.peers import Peer
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.address import is_loopback
from IGTLMetaBrowserLib.net.tls.certificate_dates import why_not_valid_today


@pytest.fixture
def certificate(authority: Authority) -> Path:
    return authority.issue("127.0.0.1")


# Other computers


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "images.example"])
def test_other_computers_are_let_in_only_where_somebody_says_so(host: str) -> None:
    result = igtlmeta("serve", "--demo", "--host", host)
    assert result.returncode == 2
    assert f"--host {host} can be reached from other computers: add --allow-remote" in result.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST."])
def test_this_computer_is_no_other(host: str) -> None:
    assert is_loopback(host)


def test_allow_remote_says_what_it_means(certificate: Path, authority: Authority) -> None:
    remote = ("serve", "--demo", "--allow-remote", "--host", "192.0.2.1")
    line = "igtlmeta: --allow-remote: anyone who reaches this port can fetch all images, "
    assert igtlmeta(*remote).stderr.startswith(line + "unencrypted\n")
    result = igtlmeta(
        *remote,
        *("--tls-cert", certificate, "--tls-client-ca", authority.file),
        *("--allow", "10.1.0.0/16", "--allow", "fd00::/8"),
    )
    assert result.stderr.startswith(
        "igtlmeta: --allow-remote: anyone with a certificate who reaches this port "
        "from 10.1.0.0/16, fd00::/8 can fetch all images, encrypted\n"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--allow", "10.1.2.3/16"], "its network is 10.1.0.0/16"),
        (["--allow", "hospital"], "'hospital' is not a network such as 10.1.0.0/16"),
        (["--max-clients", "0"], "'0' is not a whole number above 0"),
        (["--max-clients", "0.5"], "'0.5' is not a whole number above 0"),
        (["--tls-key", "key.pem"], "require --tls-cert"),
        (["--tls-cert", "a.pem", "--tls-revoked", "b.pem"], "requires --tls-client-ca"),
    ],
)
def test_wrong_options(options: list[str], words: str) -> None:
    result = igtlmeta("serve", "--demo", *options)
    assert result.returncode == 2
    assert words in result.stderr


def test_a_client_of_another_network_is_told_and_named_in_the_log() -> None:
    with serving("--demo", "--port", "0", "--allow", "192.0.2.0/24") as (process, _, address):
        result = igtlmeta("list", address)
        process.terminate()
        _, _, err = ended(process)
    assert result.returncode == 1
    assert "the address 127.0.0.1 is not allowed to connect" in result.stderr
    assert re.search(r"client 127\.0\.0\.1:\d+ is refused: the address", err)


def test_limits_reach_the_server() -> None:
    options = ("--max-clients", "1", "--max-queries", "1", "--idle-timeout", "30")
    with (
        serving("--demo", "--port", "0", *options) as (_, _, address),
        Peer.connect(int(address.rpartition(":")[2])) as peer,
    ):
        peer.send(codec.GetMessage("STATUS"))
        assert peer.receive().code == codec.StatusCode.OK
        assert "1 clients are connected" in igtlmeta("list", address).stderr


# TLS


def test_images_over_tls_with_certificates_at_both_ends(
    authority: Authority, certificate: Path, tmp_path: Path
) -> None:
    ours = authority.issue("browser.example")
    options = ("--tls-cert", certificate, "--tls-client-ca", authority.file)
    with serving("--demo", "--port", "0", *options) as (_, count, address):
        known = ("--tls-ca", authority.file, "--tls-cert", ours)
        assert len(json.loads(igtlmeta("list", address, "--json", *known).stdout)) == count
        assert json.loads(igtlmeta("trajectories", address, "--json", *known).stdout)
        result = igtlmeta("fetch", address, "DEMO_CT", "-o", tmp_path, *known)
        assert result.stdout == f"{tmp_path / 'DEMO_CT.nrrd'}\n"
        unknown = igtlmeta("list", address, "--tls-ca", authority.file)
    assert unknown.returncode == 1
    assert "the server requires a certificate from clients; provide one" in unknown.stderr


def test_a_certificate_that_is_not_trusted_is_shown_and_can_be_accepted(certificate: Path) -> None:
    with serving("--demo", "--port", "0", "--tls-cert", certificate) as (_, _, address):
        result = igtlmeta("list", address, "--tls")
        assert result.returncode == 1
        fingerprint = re.search("(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", result.stderr)[0]
        assert igtlmeta("list", address, "--tls-fingerprint", fingerprint).returncode == 0


def test_mistakes_with_certificates_are_seen_before_a_client_comes(authority: Authority) -> None:
    expired = authority.issue("127.0.0.1", expired=True)
    expired.chmod(0o644)
    with serving("--demo", "--port", "0", "--tls-cert", expired) as (process, _, _):
        process.terminate()
        _, _, err = ended(process)
    assert f"clients will refuse '{expired}': certificate has expired; renew it\n" in err
    assert f"everybody on this computer may read the secret in '{expired}'" in err


@pytest.mark.parametrize("names", [["127.0.0.1"], ["any.example", "*.other.example"]])
def test_certificates_that_are_valid_today(authority: Authority, names: list[str]) -> None:
    """Whoever they name, and also if a server wants certificates of its clients."""
    own = authority.issue(*names)
    for files in (net.ServerTLS(own), net.ServerTLS(own, None, authority.file)):
        assert why_not_valid_today(files.make_context(), own) == ""


def test_without_tls_at_a_tls_port_both_ends_say_so(certificate: Path) -> None:
    with serving("--demo", "--port", "0", "--tls-cert", certificate) as (process, _, address):
        result = igtlmeta("list", address)
        process.terminate()
        _, _, err = ended(process)
    assert "this server requires TLS; connect with TLS" in result.stderr
    assert "is refused: this server requires TLS" in err


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    result = igtlmeta("serve", "--demo", "--tls-cert", tmp_path / "none.pem")
    assert result.returncode == 1
    assert (
        result.stderr == f"igtlmeta: '{tmp_path}/none.pem' cannot be read: No such file or "
        "directory; check the path, and who may read it\n"
    )


def answer_to_sighup(process: forked.Running) -> str:
    """Return the next line that the server says about it; other lines are of its log."""
    return next(line for line in process.stderr if "SIGHUP" in line)


def test_sighup_has_the_certificate_read_again(authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "server.pem"
    file.write_bytes(authority.issue("other.example").read_bytes())
    with serving("--demo", "--port", "0", "--tls-cert", file) as (process, _, address):
        known = ("--tls-ca", authority.file)
        assert "IP address mismatch" in igtlmeta("list", address, *known).stderr
        file.write_bytes(authority.issue("127.0.0.1").read_bytes())
        process.send_signal(signal.SIGHUP)
        assert "the certificates are reloaded" in answer_to_sighup(process)
        assert igtlmeta("list", address, *known).returncode == 0
        file.write_text("")
        process.send_signal(signal.SIGHUP)
        assert "the previous certificates stay in use" in answer_to_sighup(process)
        assert igtlmeta("list", address, *known).returncode == 0


# The end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_transfer_that_nobody_reads_is_cut(number: signal.Signals) -> None:
    with (
        serving("--demo", "--port", "0") as (process, _, address),
        Peer.connect(int(address.rpartition(":")[2])) as peer,
    ):
        peer.send(codec.GetMessage("IMAGE", device_name="DEMO_PT"))
        assert peer.socket.recv(1)
        process.send_signal(number)
        assert process.wait(timeout=SECONDS) == 0


def test_a_transfer_that_is_being_read_is_finished() -> None:
    with (
        serving("--demo", "--port", "0") as (process, _, address),
        Peer.connect(int(address.rpartition(":")[2])) as peer,
    ):
        peer.send(codec.GetMessage("IMAGE", device_name="DEMO_PT"))
        first = peer.socket.recv(codec.HEADER_SIZE, 0x100)  # MSG_WAITALL
        process.send_signal(signal.SIGTERM)
        left = codec.Header.unpack(first).body_size
        while left and (data := peer.socket.recv(min(left, 1 << 20))):
            left -= len(data)
        assert left == 0
        assert process.wait(timeout=SECONDS) == 0
