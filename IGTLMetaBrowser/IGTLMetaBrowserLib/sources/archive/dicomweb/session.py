"""How an archive is called by HTTP: as whom, whom we trust, how often, and how much is read.

For ``dicomweb_archive``; ``answers`` has the limits of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ....net.source import SourceError
from ....optional_packages import is_usable, pip_command
from ..certificates import tls_context
from .answers import WebAnswerError, WebAnswers
from .json_model import parsed_list

if TYPE_CHECKING:
    import ssl

    import requests

# A page of a list has 15 MB; some archives send all that they have. What comes compressed is
# inflated in pieces: each may be a thousand times as large.
_LARGEST_ANSWER = 64 << 20
_PIECE = 16 << 10
# Busy archives are asked again so often, and waited for so long at most each time.
_RETRIES = 2
_LONGEST_WAIT = 5
BUSY = (429, 503)
"""RFC 6585 and RFC 9110: too many requests; not available for the moment."""
# And what a proxy answers when the archive behind it has just failed.
_RETRIED = (*BUSY, 502, 504)


@dataclass(frozen=True)
class WebSettings:
    """How an archive is called: whom it is told we are, whom we trust, how long we wait.

    ``timeout`` is for the connection and for each silence, in seconds. Proxies are those of the
    environment (HTTPS_PROXY, NO_PROXY).
    """

    user: str = ""
    password: str = ""
    token: str = ""
    authority: str = ""
    certificate: str = ""
    timeout: float = 30.0


def make_session(url: str, settings: WebSettings, answers: WebAnswers) -> requests.Session:
    """Return what sends requests to ``url``; ``answers`` limit the time of what comes.

    Raises ``SourceError`` without dicomweb-client, and if a certificate cannot be used.
    """
    if not is_usable("dicomweb_client"):  # which needs requests
        raise SourceError(
            "An archive needs dicomweb-client, which this Python does not have, or too old. "
            f"Install it: {pip_command('dicomweb_client')}"
        )
    session = _session_of(settings)
    context = tls_context(settings.authority, settings.certificate)
    if settings.certificate and not settings.authority:  # else the context shows it
        session.cert = settings.certificate
    is_tls = url.lower().startswith("https:")
    adapter = _adapter_class(settings, answers, is_tls, context)(max_retries=_retries())
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _session_of(settings: WebSettings) -> requests.Session:
    """Return a session that tells the archive, and nobody else, who we are.

    Not what ~/.netrc says, which requests prefers to a token, and tells whomever it is sent on to;
    but what the URL says, if nothing else does.
    """
    from requests import Session
    from requests.auth import HTTPBasicAuth
    from requests.utils import get_auth_from_url

    def identify(request: Any) -> Any:
        if settings.token and not settings.user:
            request.headers["Authorization"] = f"Bearer {settings.token}"
            return request
        of_settings = settings.user, settings.password
        user, password = of_settings if settings.user else get_auth_from_url(request.url)
        return HTTPBasicAuth(user, password)(request) if user or password else request

    class OwnSession(Session):
        def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
            if self.should_strip_auth(response.request.url, prepared_request.url):
                prepared_request.headers.pop("Authorization", None)

    session = OwnSession()
    session.auth = identify
    return session


def _retries() -> Any:
    """Return how often an archive is asked again, and when."""
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    class Retries(Retry):
        def get_retry_after(self, response: Any) -> float | None:
            try:
                seconds = super().get_retry_after(response)  # without a limit before urllib3 2.6.3
                return None if seconds is None else min(seconds, _LONGEST_WAIT)
            except (InvalidHeader, ValueError, OverflowError):  # no time, or one of no calendar
                return None

    return Retries(
        total=_RETRIES,
        connect=1,
        read=0,
        other=0,
        status_forcelist=_RETRIED,
        backoff_factor=0.5,
        raise_on_status=False,
    )


def _adapter_class(
    settings: WebSettings, answers: WebAnswers, is_tls: bool, context: ssl.SSLContext
) -> type[requests.adapters.HTTPAdapter]:
    """Return what sends requests, to whom an authority has signed for; if ``is_tls``, by TLS only.

    It is the last to choose the authority, as requests prefers REQUESTS_CA_BUNDLE to what a session
    is set to; with one that was named, ``context`` looks after TLS. The time-out is its own, as
    dicomweb-client takes one only from its version 0.61 on. What is not to be received in pieces,
    it reads within a limit; ``answers`` limit the time of all.
    """
    from requests.adapters import HTTPAdapter

    own_tls = {"ssl_context": context} if settings.authority else {}

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **own_tls, **options)
            answers.limit(self.poolmanager)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            is_new = proxy not in self.proxy_manager
            manager = super().proxy_manager_for(proxy, **own_tls, **options)
            if is_new:
                answers.limit(manager)
            return manager

        def send(self, request: Any, **options: Any) -> Any:
            if is_tls:
                _check_is_tls(request.url)
            request.url = _with_wild_cards(request.url)
            if settings.authority:
                options["verify"] = settings.authority
            options["timeout"] = settings.timeout
            response = super().send(request, **options)
            if response.is_redirect:  # requests would read all of it
                response.close()
                response._content, response._content_consumed = b"", True
            elif not options.get("stream"):
                response._content = content = read_limited(response, _LARGEST_ANSWER)
                # Not by the response: what refers to itself is freed only when Python looks for it.
                response.json = lambda: parsed_list(content.decode(errors="replace"))
            return response

    return Adapter


def _with_wild_cards(url: str) -> str:
    """Return a URL with its wild cards as they are, which dicomweb-client has percent-encoded.

    Orthanc's DICOMweb plugin (1.7, in Debian 12) does not decode what it searches for.
    """
    path, mark, query = url.partition("?")
    return path + mark + query.replace("%2A", "*").replace("%3F", "?")


def _check_is_tls(url: str) -> None:
    if not url.lower().startswith("https:"):
        raise WebAnswerError(
            "it sends on to an address without TLS, which others can read; ask who runs the archive"
        )


def read_limited(response: requests.Response, most: int) -> bytes:
    """Return the body of an answer. Raises ``ValueError`` if it has more than so many bytes."""
    content = bytearray()
    for piece in response.iter_content(_PIECE):
        content += piece
        if len(content) > most:
            response.close()
            raise ValueError(f"an answer of more than {most >> 20} MiB")
    return bytes(content)
