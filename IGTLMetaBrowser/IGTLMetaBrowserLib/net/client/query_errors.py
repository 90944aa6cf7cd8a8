"""Why a query has no answer: what happened, to what, and what to try."""

from __future__ import annotations

from typing import TypeVar

from ... import codec
from ..errors import AnswerError, DamagedAnswerError, NetworkError, RefusedError, TimeOutError
from .image_notes import describe_image
from .query import Query

WRONG_SERVER_HINT = "is it an OpenIGTLink server?"
# Larger than any machine's memory; what claims to have so many bytes is no OpenIGTLink message.
_LARGEST_BELIEVABLE_BODY = 1 << 40

MessageType = TypeVar("MessageType", bound=codec.Message)


def of_type(message: codec.Message, message_class: type[MessageType]) -> MessageType:
    """Return an answer of a class. Raises ``AnswerError`` if it came as another one."""
    if not isinstance(message, message_class):
        raise AnswerError(f"{message.type_name} came as {type(message).__name__}")
    return message


def no_data(query: Query) -> RefusedError:
    """Return the error for an answer without content, which is how servers say "no data"."""
    return RefusedError(f"the server has no data for {query}: its answer is empty")


def refusal(query: Query, words: str) -> RefusedError:
    """Return the error for a query that the server refuses, with its words if there are any."""
    return RefusedError(f"the server does not send {query}" + (f": {words}" if words else ""))


def unreadable(query: Query, error: codec.DecodeError) -> AnswerError:
    """Return the error for an answer that cannot be read, with the setting that has caused that."""
    words = f"{query} cannot be read: {error}"
    if isinstance(error, codec.MissingChecksumError):
        words += "; to read it anyway, accept missing checksums"
        return AnswerError(words, setting="accept_missing_checksum")
    if type(error) is codec.ChecksumError:
        return DamagedAnswerError(words)
    if type(error) is codec.BodySizeError:  # of the others no setting is the cause
        return AnswerError(f"{words}; allow larger images", setting="max_body_size")
    return AnswerError(words)


def another_each_time(query: Query, image: codec.ImageMessage) -> AnswerError:
    """Return the error for an image of another name that has other voxels than the first time."""
    return AnswerError(
        f"the server sends another image each time: asked twice for {query}, it sent "
        f"{describe_image(image)}, with other voxels than the first time; it may have answered an "
        "earlier question, try again"
    )


def time_out(query: Query, address: str, seconds: float, said: str, is_alive: bool) -> NetworkError:
    """Return why a query has no answer, when its time is over.

    ``said`` is the last error that the server reported; ``is_alive``: other messages have come.
    """
    setting = "answer_timeout"
    if not is_alive:
        words = f"; it last said: {said}" if said else ""
        return TimeOutError(
            f"{address} did not answer in {seconds:g} s{words}; check that it is an OpenIGTLink "
            "server that has what was asked for, or allow more time",
            setting,
        )
    if said:
        return RefusedError(f"{refusal(query, said)}; if it is busy, allow more time", setting)
    instead = f"; instead came {query.came_instead}" if query.came_instead else ""
    return TimeOutError(
        f"{address} did not send {query} in {seconds:g} s, although it sends other messages"
        f"{instead}; if it needs longer, allow more time",
        setting,
    )


def describe_status(status: codec.StatusMessage) -> str:
    """Return a status in words: the server's own and the name of its code."""
    code = status.code
    name = code.name.replace("_", " ").lower() if isinstance(code, codec.StatusCode) else code
    words = codec.brief(status.message or status.error_name)
    return f"{words} (status {name})" if words else f"status {name}"


def is_wrong_server(event: codec.Rejected) -> bool:
    """Whether a message above the size limit is none at all, such as the answer of a web server."""
    header = event.header
    is_believable = (
        header.version in (1, 2)
        and header.body_size <= _LARGEST_BELIEVABLE_BODY
        and header.type_name.isascii()
        and header.type_name.replace("_", "").isalnum()
    )
    return isinstance(event.error, codec.BodySizeError) and not is_believable
