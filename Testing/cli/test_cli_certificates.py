"""Certificates with faults, and one end without TLS: what the command says, at both ends."""

from __future__ import annotations

import numpy as np
import pytest

from cli.command import ended, igtlmeta, serving
from helpers.certificates import CLIENT_FAULTS, SERVER_FAULTS, Authority, faulty_certificate
from helpers.peers import ImagesInMemory, ServerInThread
from IGTLMetaBrowserLib import codec, net


def served(**options: object) -> ServerInThread:
    image = codec.ImageMessage(np.zeros((1, 1, 1), np.uint8))
    return ServerInThread(ImagesInMemory({"A": image}), **options)


@pytest.mark.parametrize(("fault", "words"), SERVER_FAULTS.items(), ids=str)
def test_a_servers_certificate_with_a_fault(authority: Authority, fault: str, words: str) -> None:
    certificate, known = faulty_certificate(authority, fault, "127.0.0.1")
    with served(tls=net.ServerTLS(certificate).make_context()) as server:
        result = igtlmeta("list", f"127.0.0.1:{server.port}", "--tls-ca", known)
    assert result.returncode == 1
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_clients_certificates_with_faults(authority: Authority) -> None:
    """Each client is told why, and the server's log has a line for each."""
    lost, _ = faulty_certificate(authority, "revoked", "lost.example")
    own = authority.issue("127.0.0.1")
    files = ("--tls-cert", own, "--tls-client-ca", authority.file)
    revoked = ("--tls-revoked", authority.folder / "revoked.pem")
    results = {}
    with serving("--demo", "--port", "0", *files, *revoked) as (process, _, address):
        for fault in CLIENT_FAULTS:
            certificate, _ = faulty_certificate(authority, fault, "client.example")
            certificate = lost if fault == "revoked" else certificate
            shown = ("--tls-cert", certificate) if certificate else ()
            results[fault] = igtlmeta("list", address, "--tls-ca", authority.file, *shown)
        process.terminate()
        _, _, log = ended(process)
    for fault, (words_of_client, words_of_server) in CLIENT_FAULTS.items():
        assert results[fault].returncode == 1, fault
        assert words_of_client in results[fault].stderr, fault
        assert words_of_server in log, fault


def test_a_client_of_tls_at_a_plain_port(authority: Authority) -> None:
    with serving("--demo", "--port", "0") as (process, _, address):
        result = igtlmeta("list", address, "--tls-ca", authority.file)
        process.terminate()
        _, _, log = ended(process)
    assert result.returncode == 1
    assert "does not speak TLS" in result.stderr
    assert "is refused: it uses TLS, which this server does not" in log
