"""Texts for whoever reads nothing but UTF-8: JSON, Parquet, an audit trail."""

from __future__ import annotations


def utf8(text: str) -> str:
    """Return a text from the wire or of a file's name, with ``\\xNN`` for bytes that are not UTF-8.

    Such bytes are lone surrogates in the text (``surrogateescape``, PEP 383).
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
