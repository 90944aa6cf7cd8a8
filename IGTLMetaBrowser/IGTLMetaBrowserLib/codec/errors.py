"""What can go wrong between bytes and messages.

``CodecError`` (a ``ValueError``)
    ├── ``EncodeError``: a message cannot be packed; the caller gave a value the wire cannot hold
    ├── ``GeometryError``: an image was read, but its axes span no space, or are of no length
    └── ``DecodeError``: bytes cannot be read as a message
        ├── ``ChecksumError``: the body is not the one that was sent
        │       └── ``MissingChecksumError``: the sender wrote 0 instead of a checksum
        ├── ``BodySizeError``: the header claims more bytes than the receiver accepts
        │       ├── ``BodyMemoryError``: … than there is memory for
        │       └── ``ParsedSizeError``: … than a message of its type may have
        ├── ``EmptyContentError``: a message of a type that needs a content has none
        └── ``HeaderVersionError``: the header version is none that this codec knows

Whatever bytes arrive, the codec returns messages or raises ``DecodeError``, nothing else.
"""

from __future__ import annotations


class CodecError(ValueError):
    """Base of all errors of the codec."""


class EncodeError(CodecError):
    """A message cannot be packed, because a field does not fit its place on the wire."""


class GeometryError(CodecError):
    """The axes of an image are not finite, lie in one plane, or have lengths that none has."""


class DecodeError(CodecError):
    """Bytes cannot be read as an OpenIGTLink message."""


class ChecksumError(DecodeError):
    """The CRC-64 in the header is not that of the body."""


class MissingChecksumError(ChecksumError):
    """The header has the CRC 0, as senders write it that compute none."""


class BodySizeError(DecodeError):
    """The header claims a body larger than the limit, or than there is memory for."""


class BodyMemoryError(BodySizeError):
    """There is no memory for the body, although the limit would allow it."""


class ParsedSizeError(BodySizeError):
    """The header claims a body that would take too long to read: a text of 100 MiB."""


class EmptyContentError(DecodeError):
    """The message has a header and nothing else, though its type needs a content.

    That is how a server says that it has no data (OpenIGTLink ``query.md``).
    """


class HeaderVersionError(DecodeError):
    """The header version is neither 1 nor 2."""
