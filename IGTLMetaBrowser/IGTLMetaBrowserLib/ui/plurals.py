"""Texts that depend on a number."""

from __future__ import annotations


class Plural:
    """Returns ``one``, or ``many`` with its ``{count}`` filled in; for 0 ``none``, if there is one.

    Other fields of the texts stay for the caller to fill in.
    """

    def __init__(self, localeTexts, one, many, none=None):
        self._localeTexts = localeTexts
        self._texts = {1: one} if none is None else {0: none, 1: one}
        self._many = many

    def __call__(self, count):
        text = self._texts.get(count, self._many)
        # Not ``format``: the other fields would have to be known here.
        return text.replace("{count}", self._localeTexts.number(count))
