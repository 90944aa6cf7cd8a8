"""An archive by DICOMweb (PS3.18): QIDO-RS for lists, WADO-RS for files, STOW-RS to store.

Queries are dicomweb-client's. Files are taken from the answer as they are, in whatever transfer
syntax the archive has them.
"""

from __future__ import annotations

import json
import logging
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from email.utils import mktime_tz, parsedate_tz
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from ....system_errors import reason_of
from ..archive import (
    INSTANCE_KEYWORDS,
    KEYWORDS,
    LARGEST_FILE,
    NAMES,
    PLACE_KEYWORDS,
    ArchiveError,
    BrokenOffError,
    FindRoom,
    Query,
    QueryResult,
    Series,
)
from ..certificates import why_no_tls
from ..lists.study_counts import (
    COUNT,
    MODALITIES,
    is_any_missing,
    known_by_studies,
    query_for_studies,
)
from .answers import WebAnswerError, WebAnswers
from .json_model import series_in, values_of
from .multipart import (
    MessageBody,
    MultipartError,
    UnfinishedError,
    boundary_of,
    parts,
)
from .session import BUSY, WebSettings, make_session, read_limited
from .stow import ANSWER, request_of, why_not_stored

if TYPE_CHECKING:
    import requests

_logger = logging.getLogger(__name__)

# So many series are asked for at once; archives give what they will, and should say (PS3.18
# 8.3.4.4) if there are more. Some do not.
_PAGE = 5000
_THERE_ARE_MORE = re.compile(r"\b299\b.*\badditional results\b", re.IGNORECASE)
# What it says of so many studies is enough; to count the series of each is work for the archive.
_MOST_STUDIES = 100
_CHUNK_SIZE = 1 << 20
# What archives answer to whom they have nothing more for, or do not let ask for it.
_NOTHING_BEHIND = (400, 404, 416, 501)
_OF_STUDIES = (*KEYWORDS, COUNT, MODALITIES)
# What the last answer says besides: each thread has its own.
_warning = ContextVar("warning", default="")
_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_EXAMPLE = "one looks like https://pacs.example/dicom-web"
# To wait longer than a day is no advice.
_SECONDS = re.compile(r"[0-9]{1,5}")
# Who is named in a URL, perhaps with a password: what cannot be parsed is repeated in an error.
_USER = re.compile(r"//[^/]*@")

_USER_OPTION = "see --archive-user"
_WORDS = {
    400: "it does not understand that; check the URL",
    401: f"it requires a user name and password, or a token; {_USER_OPTION}",
    403: "it does not let this user do that; ask who runs the archive",
    404: "it has nothing there; check the URL, and whether the series still is in the archive",
    413: "that is too much for it at once; search for less, or ask who runs it to store more",
    429: "it is asked too often; try again later",
    502: "what stands before it cannot reach it; ask who runs the archive",
    503: "it is busy; try again later",
    504: "what stands before it cannot reach it; ask who runs the archive",
}


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
        self._session = make_session(url, self._settings, self._answers)
        self._session.hooks["response"].append(_note_warning)
        self._url = url.rstrip("/")
        self._client = _make_client(self._url, self._session)

    @property
    def is_connecting(self) -> bool:
        """Whether a connection is being made, or its name looked up."""
        return self._answers.is_connecting

    def find(self, query: Query, most: int) -> QueryResult:
        """Return the series that match, at most so many. Raises ``ArchiveError``."""
        try:
            return self._find(query, most)
        except BrokenOffError:  # by one of several archives behind one address, perhaps
            return self._find(query, most)

    def _find(self, query: Query, most: int) -> QueryResult:
        found = self._pages(query, most)
        if not found.is_cut and len(found) < most:
            found.is_cut = self._is_cut_in_silence(query, found)
        return found

    def _pages(self, query: Query, most: int) -> QueryResult:
        """Ask on until nothing new comes: of less than was asked for, there may be more.

        That costs one more query, which finds nothing; or the same once more, of an archive that
        does not know an offset.
        """
        found: dict[tuple[str, str, str], Series] = {}
        offset, is_said, is_full, is_cut = 0, False, False, False
        with self._errors_described("search"):
            while len(found) < most:
                wanted = min(_PAGE, most - len(found))
                page = self._page(query, wanted, offset, is_said)
                listed = {(one.uid, *one.belongs_to): one for one in series_in(page)}
                new = {key: one for key, one in listed.items() if key not in found}
                was_said, is_said = is_said, _THERE_ARE_MORE.search(_warning.get()) is not None
                if not new:
                    is_cut = is_said or (bool(page) and (was_said or is_full))
                    break
                is_full = len(page) >= wanted
                found |= new
                offset += len(page)
        return QueryResult(found.values(), is_cut)

    def _is_cut_in_silence(self, query: Query, found: QueryResult) -> bool:
        """Whether there are more: by what it says of studies.

        If that tells nothing of such series, it is asked for all of the studies: if it has some
        more, it gives more than were found; if it gives no more, though it has, that is its limit.
        """
        if query_for_studies(query) is None and found:
            query, count = known_by_studies(query), len(found)
            found = self._pages(query, count + 1)
            if len(found) > count:
                return False
        of_studies = query_for_studies(query)
        return of_studies is not None and self._is_any_missing(query, of_studies, found)

    def _is_any_missing(self, query: Query, of_studies: Query, found: Iterable[Series]) -> bool:
        """Whether it says of a study that it has more series, as far as it says anything.

        It is asked for the last studies that are in the list, and those behind them: there it is
        cut, if both are in one order; and else one study is as good as another.
        """
        count = len({one["StudyInstanceUID"] for one in found})
        try:
            with self._errors_described("search"):
                records = self._client.search_for_studies(
                    limit=_MOST_STUDIES,
                    offset=max(0, count - _MOST_STUDIES // 2),
                    fields=[one for one in (COUNT, MODALITIES) if one not in of_studies],
                    search_filters={key: _plain(key, text) for key, text in of_studies.items()},
                )
                said = [one for one in records if isinstance(one, Mapping)]
                studies = [Series(values_of(one, _OF_STUDIES)) for one in said]
        except ArchiveError as error:  # the list is here
            _logger.info("it is not known whether a list is whole: %s", error)
            return False
        return is_any_missing(studies, found, query)

    def _page(self, query: Query, most: int, offset: int, is_said: bool) -> Any:
        """Return up to ``most`` of the series behind the first ones.

        ``is_said``: the archive has said that there are more.
        """
        import requests

        try:
            return self._client.search_for_series(
                limit=most,
                offset=offset,
                fields=[keyword for keyword in KEYWORDS if keyword not in query],
                search_filters={key: _plain(key, text) for key, text in query.items()},
            )
        except requests.HTTPError as error:
            if not offset or is_said or error.response.status_code not in _NOTHING_BEHIND:
                raise
            return []

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
            return values_of(found[0], INSTANCE_KEYWORDS)

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
                write(read_limited(response, LARGEST_FILE))
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
            )
            if why := why_not_stored(response, len(files)):
                raise ArchiveError(f"{self.name} {why}")

    def close(self) -> None:
        """End all that is asked, from another thread: it raises ``ArchiveError``."""
        self._answers.close()

    def _get(self, url: str) -> requests.Response:
        headers = {"Accept": _AS_STORED, "Accept-Encoding": "identity"}
        return self._session.get(url, headers=headers, stream=True)

    @contextmanager
    def _errors_described(self, what: str) -> Iterator[None]:
        import requests

        try:
            yield
        except requests.HTTPError as error:
            raise ArchiveError(self._refusal(what, error.response)) from error
        except json.JSONDecodeError as error:
            raise ArchiveError(
                f"cannot {what} {self.name}: it has sent what is no JSON; check the URL, and "
                "whether one has to log in"
            ) from error
        except requests.exceptions.SSLError as error:
            reason, hint = _reason(error), "try http:// instead of https://"
            raise ArchiveError(why_no_tls(self.name, _bottom(error), reason, hint)) from error
        except requests.exceptions.ProxyError as error:
            raise self._proxy_failure(what, error) from error
        except (requests.RequestException, OSError) as error:
            raise self._network_failure(what, error) from error
        except UnfinishedError as error:
            raise BrokenOffError(
                f"cannot {what} {self.name}: it has sent {error}; fetch it again"
            ) from error
        except MemoryError as error:
            raise ArchiveError(
                f"cannot {what} {self.name}: there is not the memory for what it has sent"
            ) from error
        except RecursionError as error:
            raise ArchiveError(
                f"cannot {what} {self.name}: its JSON is nested too deep; check the URL"
            ) from error
        except (AttributeError, KeyError, TypeError, UnicodeError) as error:  # Python's words
            raise ArchiveError(
                f"cannot {what} {self.name}: its answer makes no sense; check the URL"
            ) from error
        except (MultipartError, ValueError) as error:
            raise ArchiveError(
                f"cannot {what} {self.name}: it has sent {_reason(error)}; check the URL"
            ) from error

    def _network_failure(self, what: str, error: Exception) -> ArchiveError:
        """Return what to raise if no answer came, or it was broken off."""
        import requests

        if isinstance(bottom := _bottom(error), WebAnswerError) or self._answers.is_closed:
            return ArchiveError(f"cannot {what} {self.name}: {_reason(error)}")
        if isinstance(error, requests.Timeout) or isinstance(bottom, TimeoutError):
            return ArchiveError(
                f"{self.name} has said nothing for {self._settings.timeout:g} s; try again "
                "later, or give it longer: --archive-timeout"
            )
        return BrokenOffError(
            f"cannot {what} {self.name}: {_reason(error)}; check the URL, and that it runs"
        )

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

    def _refusal(self, what: str, response: requests.Response) -> str:
        code = response.status_code
        hint = _WORDS.get(code, "it has failed; ask who runs the archive, or try again later")
        if code == 401 and (self._settings.user or self._settings.token):
            hint = f"it does not accept the user name and password, or the token; {_USER_OPTION}"
        wait = _seconds_to_wait(response.headers.get("Retry-After", ""))
        if code in BUSY and wait is not None:
            hint = f"it is busy; try again in {wait} s"
        return f"cannot {what} {self.name}: HTTP {code} {response.reason}: {hint}"


def _seconds_to_wait(text: str) -> int | None:
    """Return for how long a busy server wants not to be asked (RFC 9110 10.2.3), if that is clear.

    It says so many seconds, or when that is.
    """
    if _SECONDS.fullmatch(text):
        return int(text)
    moment = parsedate_tz(text)
    try:
        seconds = 0 if moment is None else max(0, round(mktime_tz(moment) - time.time()))
    except (OverflowError, ValueError):  # a day that no calendar has
        return None
    return None if moment is None or not _SECONDS.fullmatch(str(seconds)) else seconds


def _note_warning(response: requests.Response, **_: Any) -> None:
    _warning.set(response.headers.get("Warning", ""))


def _body_of(response: requests.Response) -> MessageBody | Iterator[bytes]:
    """Return what a server sends: from http.client, which receives it without copies, if it can be.

    requests and urllib3 copy each chunk three times, which takes as long as to receive it.
    """
    body = getattr(response.raw, "_original_response", None)
    return response.iter_content(_CHUNK_SIZE) if body is None else body


def _plain(keyword: str, text: str) -> str:
    """Return a pattern without what would have to be encoded: a wild card stands in its place.

    It finds too much, perhaps: what comes is compared with the pattern, see ``patterns``.
    """
    if keyword.endswith(("UID", "Date", "Time")):
        return text
    text = text.rstrip("^") if keyword in NAMES else text  # parts that a name does not have
    return re.sub(r"[^A-Za-z0-9_.*~-]", "?", text) if text.isascii() else _not_ascii(text)


def _not_ascii(text: str) -> str:
    """Names in other alphabets have more bytes than characters: the rest may be anything."""
    return re.sub(r"[^A-Za-z0-9_.*~-]+", "*", text)


def _make_client(url: str, session: requests.Session) -> Any:
    from dicomweb_client import DICOMwebClient

    try:
        client = DICOMwebClient(url, session)
    except ValueError as error:
        raise ArchiveError(
            f"{_without_password(url)} is no URL of a DICOMweb service; {_EXAMPLE}"
        ) from error
    client.set_http_retry_params(retry=False)  # the session's adapter knows Retry-After
    return client


def _without_password(url: str) -> str:
    parsed = urlsplit(url if "//" in url else f"//{url}")
    host = parsed.netloc.rpartition("@")[2]
    return urlunsplit((parsed.scheme, host, parsed.path, "", "")).removeprefix("//")


def _reason(error: BaseException) -> str:
    """Return what is at the bottom of an error, without the names of Python's objects."""
    error = _bottom(error)
    if isinstance(error, IncompleteRead):
        return "its answer ends before its end"
    if isinstance(error, zlib.error):
        return "its answer is not compressed as it says"
    words = getattr(error, "verify_message", "") or reason_of(error)
    words = " ".join(words.split()).rpartition(">: ")[2]
    return _USER.sub("//", words)


def _bottom(error: BaseException) -> BaseException:
    while (cause := _cause(error)) is not None:
        error = cause
    return error


def _cause(error: BaseException) -> BaseException | None:
    """requests and urllib3 wrap errors as arguments, as reasons, or as causes."""
    candidates = [getattr(error, "reason", None), *error.args, error.__cause__]
    return next((cause for cause in candidates if isinstance(cause, BaseException)), None)
