"""An archive by DICOMweb (PS3.18): QIDO-RS for lists, WADO-RS for files, STOW-RS to store.

Queries are dicomweb-client's. Files are taken from the answer as they are, in whatever transfer
syntax the archive has them.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from ...net.source import SourceError
from .archive import (
    INSTANCE_KEYWORDS,
    KEYWORDS,
    NAMES,
    PLACE_KEYWORDS,
    ArchiveError,
    BrokenOffError,
    Query,
    Series,
)
from .multipart import (
    LARGEST_PART,
    Body,
    FindRoom,
    MultipartError,
    UnfinishedError,
    boundary_of,
    parts,
)
from .stow import ANSWER, request_of, why_not_stored
from .web_answers import AnswerError, WebAnswers

if TYPE_CHECKING:
    import requests

_logger = logging.getLogger(__name__)

# So many series are asked for at once; archives give what they will (PS3.18 8.3.4.4).
_PAGE = 5000
_ROUND = 100
_CHUNK_SIZE = 1 << 20
# A page of a list has 15 MB. What comes compressed is inflated in pieces: each may be a thousand
# times as large.
_LARGEST_ANSWER = 256 << 20
_PIECE = 16 << 10
_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
# Busy archives are asked again so often, and waited for so long at most each time.
_RETRIES = 2
_LONGEST_WAIT = 5
# RFC 6585 and RFC 9110: too many requests; not available for the moment.
_BUSY = (429, 503)
# And what a proxy answers when the archive behind it has just failed.
_RETRIED = (*_BUSY, 502, 504)

_EXAMPLE = "one looks like https://pacs.example/dicom-web"
# Who is named in a URL, perhaps with a password: what cannot be parsed is repeated in an error.
_USER = re.compile(r"//[^/]*@")

_WORDS = {
    401: "it requires a user name and password, or a token; see --archive-user",
    403: "it does not let this user do that; ask who runs the archive",
    404: "it has nothing there; check the URL, and whether the series still is in the archive",
    413: "that is too much for it at once; search for less, or ask who runs it to store more",
    429: "it is asked too often; try again later",
    502: "what stands before it cannot reach it; ask who runs the archive",
    503: "it is busy; try again later",
    504: "what stands before it cannot reach it; ask who runs the archive",
}


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


class DicomWebArchive:
    """The archive whose DICOMweb service is at ``url``. Raises ``SourceError`` without client."""

    is_instance_soon = True

    def __init__(self, url: str, settings: WebSettings | None = None) -> None:
        try:
            self.name = _without_password(url)
        except ValueError as error:
            raise ArchiveError(f"what is given is no URL: {error}; {_EXAMPLE}") from None
        self._settings = settings or WebSettings()
        self._answers = WebAnswers(self._settings.timeout)
        self._session = _make_session(self._settings, self._answers)
        self._url = url.rstrip("/")
        self._client = _make_client(self._url, self._session, self._settings.timeout)

    def find(self, query: Query, most: int) -> Sequence[Series]:
        """Return the series that match, at most so many. Raises ``ArchiveError``."""
        try:
            return self._find(query, most)
        except BrokenOffError:  # by one of several archives behind one address, perhaps
            return self._find(query, most)

    def _find(self, query: Query, most: int) -> Sequence[Series]:
        found: list[Series] = []
        fields = [keyword for keyword in KEYWORDS if keyword not in query]
        with self._errors_described("search"):
            while len(found) < most:
                page = self._client.search_for_series(
                    limit=min(_PAGE, most - len(found)),
                    offset=len(found),
                    fields=fields,
                    search_filters={key: _plain(key, text) for key, text in query.items()},
                )
                known = {series.uid for series in found}
                new = [one for one in _series_in(page) if one.uid not in known]
                found += new
                # Some archives give fewer than they are asked for, in round numbers. Those that do
                # not know an offset begin anew.
                if not new or len(page) % _ROUND:
                    break
        return found

    def instance(self, series: Series, number: int) -> Mapping[str, str]:
        """Return what is known of an instance by its number. Raises ``ArchiveError``."""
        with self._errors_described("search"):
            found = self._client.search_for_instances(
                series["StudyInstanceUID"],
                series.uid,
                limit=2,
                fields=PLACE_KEYWORDS,  # the others are always told (PS3.18 10.6.3.3.3)
                search_filters={"InstanceNumber": str(number)},
            )
            if len(found) != 1:
                raise ArchiveError(f"{self.name} has {len(found)} instances {number} of a series")
            return _values_of(found[0], INSTANCE_KEYWORDS)

    def fetch(
        self,
        series: Series,
        write: Callable[[Any], None],
        instance: str = "",
        find_room: FindRoom | None = None,
    ) -> None:
        """Call ``write`` with the bytes of each file. Raises ``ArchiveError``."""
        url = f"{self._url}/studies/{series['StudyInstanceUID']}/series/{series.uid}"
        url += f"/instances/{instance}" if instance else ""
        with self._errors_described("fetch from"), self._get(url) as response:
            response.raise_for_status()
            if response.status_code == 204:
                raise ArchiveError(f"{self.name} has no files of this series; list it again")
            encoding = response.headers.get("Content-Encoding", "identity")
            if encoding != "identity":  # it was not asked for, and can become a thousand times more
                raise ArchiveError(f"{self.name} has sent the files as {encoding[:20]!r}")
            content_type = response.headers.get("Content-Type", "")
            if content_type.startswith("application/dicom"):  # one file, against the standard
                write(_read(response, LARGEST_PART))
                return
            for content in parts(_body_of(response), boundary_of(content_type), find_room):
                write(content)

    def store(self, files: Sequence[bytes]) -> None:
        """Store files (PS3.10). Raises ``ArchiveError`` if it has not taken them all."""
        body, content_type = request_of(files)
        with self._errors_described("store in"):
            response = self._session.post(
                f"{self._url}/studies",
                data=body,
                headers={"Content-Type": content_type, "Accept": ANSWER},
                timeout=self._settings.timeout,
            )
            if why := why_not_stored(response, len(files)):
                raise ArchiveError(f"{self.name} {why}")

    def close(self) -> None:
        """End all that is asked, from another thread: it raises ``ArchiveError``."""
        self._answers.close()

    def _get(self, url: str) -> requests.Response:
        timeout = self._settings.timeout
        headers = {"Accept": _AS_STORED, "Accept-Encoding": "identity"}
        return self._session.get(url, headers=headers, stream=True, timeout=timeout)

    @contextmanager
    def _errors_described(self, what: str) -> Iterator[None]:
        import requests

        try:
            yield
        except requests.HTTPError as error:
            raise ArchiveError(self._refusal(what, error.response)) from error
        except requests.exceptions.SSLError as error:
            raise ArchiveError(self._tls_failure(error)) from error
        except requests.exceptions.ProxyError as error:
            raise self._proxy_failure(what, error) from error
        except (requests.RequestException, OSError) as error:
            if isinstance(bottom := _bottom(error), AnswerError) or self._answers.is_closed:
                raise ArchiveError(f"cannot {what} {self.name}: {_reason(error)}") from error
            if isinstance(error, requests.Timeout) or isinstance(bottom, TimeoutError):
                raise ArchiveError(
                    f"{self.name} has said nothing for {self._settings.timeout:g} s; try again "
                    "later, or give it longer: --archive-timeout"
                ) from error
            raise BrokenOffError(
                f"cannot {what} {self.name}: {_reason(error)}; check the URL, and that it runs"
            ) from error
        except UnfinishedError as error:
            raise BrokenOffError(
                f"cannot {what} {self.name}: it has sent {error}; fetch it again"
            ) from error
        except RecursionError as error:
            raise ArchiveError(
                f"cannot {what} {self.name}: its JSON is nested too deep; check the URL"
            ) from error
        except (MultipartError, AttributeError, ValueError, KeyError, TypeError) as error:
            raise ArchiveError(
                f"cannot {what} {self.name}: it has sent {_reason(error)}; check the URL"
            ) from error

    def _proxy_failure(self, what: str, error: Exception) -> ArchiveError:
        """Return what to raise if the proxy is not reached, or makes no tunnel (CONNECT)."""
        reason = _reason(error)
        hint = " with its user name and password," if " 407 " in reason else ""
        # What a proxy forbids it forbids the next time, too; what failed behind it may not fail.
        kind = ArchiveError if re.search(r" 4\d\d ", reason) else BrokenOffError
        return kind(
            f"cannot {what} {self.name} through the proxy of the environment: {reason}; check"
            f"{hint} HTTPS_PROXY and NO_PROXY"
        )

    def _tls_failure(self, error: Exception) -> str:
        bottom = _bottom(error)
        if isinstance(bottom, ssl.SSLCertVerificationError):
            return f"{self.name} is not trusted: {_reason(error)}; see --archive-ca"
        return (
            f"{self.name} refuses TLS: {_reason(error)}. Does it want a certificate of ours, or "
            "another one? See --archive-cert"
        )

    def _refusal(self, what: str, response: requests.Response) -> str:
        code = response.status_code
        hint = _WORDS.get(code, "it has failed; ask who runs the archive, or try again later")
        wait = response.headers.get("Retry-After", "")
        if code in _BUSY and wait.isdigit():
            hint = f"it is busy; try again in {wait} s"
        return f"cannot {what} {self.name}: HTTP {code} {response.reason}: {hint}"


def _body_of(response: requests.Response) -> Body | Iterator[bytes]:
    """Return what a server sends: from http.client, which receives it without copies, if it can be.

    requests and urllib3 copy each chunk three times, which takes as long as to receive it.
    """
    body = getattr(response.raw, "_original_response", None)
    return response.iter_content(_CHUNK_SIZE) if body is None else body


def _read(response: requests.Response, most: int) -> bytes:
    """Return the body of an answer. Raises ``ValueError`` if it has more than so many bytes."""
    content = bytearray()
    for piece in response.iter_content(_PIECE):
        content += piece
        if len(content) > most:
            response.close()
            raise ValueError(f"an answer of more than {most >> 20} MiB")
    return bytes(content)


def _make_session(settings: WebSettings, answers: WebAnswers) -> requests.Session:
    try:
        import dicomweb_client  # noqa: F401
        import requests
        from urllib3.util import Retry
    except ImportError as error:
        raise SourceError(
            "An archive needs dicomweb-client, which this Python does not have. "
            'Install it: pip install "igtlmetabrowser[pacs]"'
        ) from error
    session = requests.Session()
    if settings.user:
        session.auth = (settings.user, settings.password)
    elif settings.token:
        session.headers["Authorization"] = f"Bearer {settings.token}"
    _check_certificates(settings)
    if settings.certificate:
        session.cert = settings.certificate
    retry = Retry(
        total=_RETRIES,
        connect=1,
        read=0,
        other=0,
        status_forcelist=_RETRIED,
        backoff_factor=0.5,
        retry_after_max=_LONGEST_WAIT,
        raise_on_status=False,
    )
    adapter = _adapter_class(settings.authority, answers)(max_retries=retry)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _check_certificates(settings: WebSettings) -> None:
    """Read them as TLS will, whose errors do not say which file is wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for file, read, option in (
        (settings.certificate, context.load_cert_chain, "--archive-cert"),
        (settings.authority, context.load_verify_locations, "--archive-ca"),
    ):
        try:
            if file:
                read(file)
        except OSError as error:
            is_other = isinstance(error, ssl.SSLError)
            words = "it has no certificate in PEM, or no key" if is_other else error.strerror
            raise ArchiveError(f"{file} cannot be used: {words}; see {option}") from error


def _adapter_class(authority: str, answers: WebAnswers) -> type[requests.adapters.HTTPAdapter]:
    """Return what sends requests, to whom ``authority`` has signed for.

    It sends wild cards as they are, which dicomweb-client has percent-encoded: Orthanc's DICOMweb
    plugin (1.7, in Debian 12) does not decode what it searches for. And it is the last to choose
    the authority, as requests prefers REQUESTS_CA_BUNDLE to what a session is set to. What is not
    to be received in pieces, it reads within a limit; ``answers`` limit the time of all.
    """
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **options)
            answers.limit(self.poolmanager)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            is_new = proxy not in self.proxy_manager
            manager = super().proxy_manager_for(proxy, **options)
            if is_new:
                answers.limit(manager)
            return manager

        def send(self, request: Any, **options: Any) -> Any:
            path, mark, query = request.url.partition("?")
            request.url = path + mark + query.replace("%2A", "*").replace("%3F", "?")
            if authority:
                options["verify"] = authority
            response = super().send(request, **options)
            if not options.get("stream"):
                response._content = _read(response, _LARGEST_ANSWER)
            return response

    return Adapter


def _plain(keyword: str, text: str) -> str:
    """Return a pattern without what would have to be encoded: a wild card stands in its place.

    It finds too much, perhaps: what comes is compared with the pattern, see ``archive.matches``.
    """
    if keyword.endswith(("UID", "Date", "Time")):
        return text
    text = text.rstrip("^") if keyword in NAMES else text  # parts that a name does not have
    return re.sub(r"[^A-Za-z0-9_.*~-]", "?", text) if text.isascii() else _not_ascii(text)


def _not_ascii(text: str) -> str:
    """Names in other alphabets have more bytes than characters: the rest may be anything."""
    return re.sub(r"[^A-Za-z0-9_.*~-]+", "*", text)


def _make_client(url: str, session: requests.Session, timeout: float) -> Any:
    from dicomweb_client import DICOMwebClient

    try:
        client = DICOMwebClient(url, session, timeout=timeout)
    except ValueError as error:
        raise ArchiveError(
            f"{_without_password(url)} is no URL of a DICOMweb service; {_EXAMPLE}"
        ) from error
    client.set_http_retry_params(retry=False)  # the session's adapter knows Retry-After
    return client


def _series_in(records: Sequence[Any]) -> list[Series]:
    """Return the series of a list; those that make no sense do not keep the others from clients.

    Raises ``ValueError`` if none makes sense.
    """
    found, reason = [], ""
    for record in records:
        try:
            found.append(_series_of(record))
        except ValueError as error:
            reason = str(error)
    if reason and not found:
        raise ValueError(reason)
    if reason:
        _logger.warning("%d of the archive's series are left out", len(records) - len(found))
    return found


def _series_of(record: Any) -> Series:
    """Return a series from the DICOM JSON model (PS3.18 F.2). Raises ``ValueError``."""
    if not isinstance(record, Mapping):
        raise ValueError("a list of something else than data sets")
    series = Series(_values_of(record, KEYWORDS))
    if not series.uid or not series["StudyInstanceUID"]:
        raise ValueError("a series without its UIDs")
    return series


def _values_of(record: Mapping[str, Any], keywords: Sequence[str]) -> dict[str, str]:
    values = {keyword: _text(record.get(_tag(keyword), {})) for keyword in keywords}
    return {keyword: text for keyword, text in values.items() if text}


@cache
def _tag(keyword: str) -> str:
    from pydicom.datadict import tag_for_keyword

    return f"{tag_for_keyword(keyword):08X}"


def _text(element: Any) -> str:
    """Return a value of the DICOM JSON model as a file would have it; empty if it is none."""
    values = element.get("Value") if isinstance(element, Mapping) else None
    return "\\".join(map(_one_text, values)) if isinstance(values, list) else ""


def _one_text(value: Any) -> str:
    if isinstance(value, Mapping):  # a person's name, in up to three alphabets
        groups = [
            str(value.get(group) or "") for group in ("Alphabetic", "Ideographic", "Phonetic")
        ]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value)


def _without_password(url: str) -> str:
    parsed = urlsplit(url if "//" in url else f"//{url}")
    host = parsed.netloc.rpartition("@")[2]
    return urlunsplit((parsed.scheme, host, parsed.path, "", "")).removeprefix("//")


def _reason(error: BaseException) -> str:
    """Return what is at the bottom of an error, without the names of Python's objects."""
    error = _bottom(error)
    words = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    words = " ".join((words or type(error).__name__).split()).rpartition(">: ")[2]
    return _USER.sub("//", words)


def _bottom(error: BaseException) -> BaseException:
    while (cause := _cause(error)) is not None:
        error = cause
    return error


def _cause(error: BaseException) -> BaseException | None:
    """requests and urllib3 wrap errors as arguments, as reasons, or as causes."""
    candidates = [getattr(error, "reason", None), *error.args, error.__cause__]
    return next((cause for cause in candidates if isinstance(cause, BaseException)), None)
