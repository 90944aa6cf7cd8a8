"""What can go wrong between bytes and messages.

``CodecError`` (a ``ValueError``)
    ├── ``EncodeError``: a message cannot be packed; the caller gave a value the wire cannot hold
    ├── ``GeometryError``: an image was read, but its axes span no space
    └── ``DecodeError``: bytes cannot be read as a message
        ├── ``ChecksumError``: the body is not the one that was sent
        ├── ``BodySizeError``: the header claims more bytes than the receiver accepts or holds
        └── ``HeaderVersionError``: the header version is none that this codec knows

Whatever bytes arrive, the codec returns messages or raises ``DecodeError``, nothing else.
"""

from __future__ import annotations


class CodecError(ValueError):
    """Base of all errors of the codec."""


class EncodeError(CodecError):
    """A message cannot be packed, because a field does not fit its place on the wire."""


class GeometryError(CodecError):
    """The axes of an image are not finite, or lie in one plane."""


class DecodeError(CodecError):
    """Bytes cannot be read as an OpenIGTLink message."""


class ChecksumError(DecodeError):
    """The CRC-64 in the header is not that of the body."""


class BodySizeError(DecodeError):
    """The header claims a body larger than the limit, or than there is memory for."""


class HeaderVersionError(DecodeError):
    """The header version is neither 1 nor 2."""
