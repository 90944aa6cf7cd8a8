"""Keeping patients' identity off the screen and out of logs, if the user wants that.

While ``HiddenPatients.is_hidden`` is set, a patient is ``Patient 1``, ``Patient 2`` … in the order
in which they are registered. Everything that tells who it is (``is_identity``) is left out, and
what is known to be a patient's name, id or birth date is left out of all other texts, too: servers
write them into descriptions, ids and errors. That is as good as it can be without knowing the
texts: a name in another spelling stays. Pixels are not looked at.
"""

from __future__ import annotations

import copy
import re
import unicodedata
import uuid
import weakref
from collections.abc import Hashable, Iterator, Mapping, Sized
from typing import NamedTuple

from ..codec import ImageMetaItem, cut_text, readable
from ..codec.messages.items import ItemTable
from ..metadata.modules import KEYWORD_KINDS, PATIENT, RECORDS
from ..metadata.registry import MetadataProviders
from ..metadata.values import as_text, module_items
from ..person_names import name_words, plain_name
from ..signal import Signal

HIDDEN = "(hidden)"
_SEVERAL = re.compile(rf"{re.escape(HIDDEN)}([\s^,.=]*{re.escape(HIDDEN)})+")
_OTHER_IDENTITY = {"AccessionNumber", "AdditionalPatientHistory", "FirstFile"}
_NAMES_OF_IDENTITY = re.compile("patient|birth|accession", re.IGNORECASE)
_PATIENT_KEYWORDS = {keyword for keyword, _ in module_items(RECORDS[PATIENT]())}
_TOKEN = re.compile(r"[^\W_]+")
# Titles, modalities and the like, which say nothing of who it is where they stand in a name.
_NO_NAMES = {"mr", "mrs", "ms", "dr", "jr", "sr", "prof", "ct", "pt", "us", "patient", "hidden"}
_PSEUDONYM = re.compile(r"Patient \d+")
# Of a name, in bytes: what fills the field may have been cut.
_LONGEST_LISTED = ImageMetaItem.columns["patient_name"].itemsize - 1
_SHORTEST_NUMBER = 4  # "12" can be anything
_MOST_NEWS = 100_000  # to look at more of them takes longer than to redact a few texts

_Phrase = tuple[str, ...]


class RedactedList(NamedTuple):
    """A list with pseudonyms, and of which: ``of`` so many texts that name patients."""

    table: weakref.ref[ItemTable[ImageMetaItem]]
    of: int
    redacted: ItemTable[ImageMetaItem]


# Of all windows and scripts of this process, which may fill one scene: ID and name.
_patients_of_uids: dict[str, tuple[str, str]] = {}
_texts_of_uids: dict[str, str] = {}
_UID = re.compile(r"hidden [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_pseudonym(name: str) -> bool:
    """Whether a name may be one that ``HiddenPatients.pseudonym`` has given, in any session."""
    return _PSEUDONYM.fullmatch(name) is not None


def patient_of_uid(uid: str) -> tuple[str, str] | None:
    """Return ID and name of whom ``HiddenPatients.uid`` meant; None if that was another process."""
    return _patients_of_uids.get(uid)


def text_of_uid(uid: str) -> str | None:
    """Return of which text ``HiddenPatients.covered`` has made this; None if another process."""
    return _texts_of_uids.get(uid)


def is_uid(text: str) -> bool:
    """Whether a text may be one that ``uid`` or ``covered`` has returned, in any session."""
    return text.startswith("hidden ") and _UID.fullmatch(text) is not None


def is_identity(keyword: str) -> bool:
    """Whether the value of a keyword says who the patient is.

    Those of the patient module do, and what is in no module and is called so; besides, the number
    of the request, the history in free text, and the path of a file.
    """
    if keyword in KEYWORD_KINDS:
        return keyword in _PATIENT_KEYWORDS or keyword in _OTHER_IDENTITY
    return keyword in _OTHER_IDENTITY or _NAMES_OF_IDENTITY.search(keyword) is not None


class HiddenPatients:
    """Knows the patients that were registered, and pseudonyms for them.

    ``hidden_changed`` is emitted with ``is_hidden`` when ``hide`` has changed it.
    """

    def __init__(self) -> None:
        self.is_hidden = False
        self.hidden_changed: Signal[[bool]] = Signal()
        self._numbers: dict[str, int] = {}
        self._uids: dict[str, str] = {}
        self._given: set[str] = set()
        # The phrases, their words joined, and by the first word which numbers of words there are,
        # as bits. Of a container for each of 100,000 patients, the garbage collector, which looks
        # at containers only, would make steps of 0.4 s.
        self._phrases: set[str] = set()
        self._lengths: dict[str, int] = {}
        self._registered: set[tuple[str, ...]] = set()
        self._first_words: list[str] = []  # of each phrase, as they came
        # How many of these are read, and those that came since ``forget_news``.
        self._read, self._news = 0, set[str]()
        self.last_list: weakref.ref[Sized] | None = None
        """The last list of which all patients were registered, see ``redacted_list``."""
        self.last_redacted: RedactedList | None = None
        """A list that was redacted and is not taken yet, see there."""

    def hide(self, is_hidden: bool = True) -> None:
        """Hide the patients from now on, or show them."""
        if self.is_hidden != is_hidden:
            self.is_hidden = is_hidden
            self.hidden_changed.emit(is_hidden)

    @property
    def phrase_total(self) -> int:
        """How many texts are known to name patients: with another one, more is to be redacted."""
        return len(self._phrases)

    def opposite(self) -> HiddenPatients:
        """Return the same patients, hidden where these are not, and the other way round."""
        other = copy.copy(self)
        other.is_hidden = not self.is_hidden
        return other

    def share(self, other: HiddenPatients) -> None:
        """Know whom another one knows, and the other way round, from now on; by the same numbers.

        But each hides them for itself, and by its own texts in place of IDs.
        """
        other._phrases |= self._phrases
        other._registered |= self._registered
        other._first_words += self._first_words
        for word, lengths in self._lengths.items():
            other._lengths[word] = other._lengths.get(word, 0) | lengths
        for key in self._numbers:
            other._numbers.setdefault(key, len(other._numbers) + 1)
        self._phrases, self._registered = other._phrases, other._registered
        self._first_words, self._lengths = other._first_words, other._lengths
        self._numbers, self._read = other._numbers, 0

    def register(self, name: str, patient_id: str, *others: str) -> None:
        """Remember a patient, and other texts that identify them, such as the birth date."""
        known = (name, patient_id, *others)
        if known in self._registered:
            return  # each time that a list is shown, all of its patients are registered
        self._registered.add(known)
        self.pseudonym(name, patient_id)
        # Bytes that are not UTF-8 are shown as other characters than they are kept as.
        shown = tuple(map(readable, known))
        for texts in {known, shown}:
            for phrase in (*_phrases_of_name(texts[0]), *_phrases_of_ids(*texts[1:])):
                if (text := " ".join(phrase)) not in self._phrases:
                    self._phrases.add(text)
                    self._first_words.append(phrase[0])
                self._lengths[phrase[0]] = self._lengths.get(phrase[0], 0) | 1 << len(phrase)

    def register_patient_of(self, providers: MetadataProviders, image: Hashable) -> None:
        """Remember the patient of an image, as each provider knows them."""
        for module in providers.answers(PATIENT, image):
            known = {keyword: as_text(value) for keyword, value in module_items(module)}
            name, patient_id = known.get("PatientName", ""), known.get("PatientID", "")
            self.register(name, patient_id, known.get("PatientBirthDate", ""))

    def pseudonym(self, name: str, patient_id: str) -> str:
        """Return ``Patient 1`` or another number; an empty text if no patient is named.

        As in the subject hierarchy, ID and name make a patient; the name by its words, which a list
        and an image may write in another order, and with other marks between them.
        """
        key = _key(name, patient_id)
        if not key:
            return ""
        return f"Patient {self._numbers.setdefault(key, len(self._numbers) + 1)}"

    def uid(self, name: str, patient_id: str) -> str:
        """Return a text of which nobody can guess the patient; no two sessions have the same."""
        key = _key(name, patient_id)
        if not key:
            return ""
        uid = self._uid_of_key(key)
        _patients_of_uids.setdefault(uid, (patient_id, name))
        return uid

    def covered(self, text: str) -> str:
        """Return a text of which nobody can guess this one; ``text_of_uid`` returns it."""
        uid = self._uid_of_key(f"text {text}")
        _texts_of_uids[uid] = text
        return uid

    def _uid_of_key(self, key: str) -> str:
        if key not in self._uids:
            self._uids[key] = f"hidden {uuid.uuid4()}"
            self._given.add(self._uids[key])
        return self._uids[key]

    def has_given(self, uid: str) -> bool:
        """Whether ``uid`` or ``covered`` has returned this text."""
        return uid in self._given

    @property
    def has_news(self) -> bool:
        """Whether more texts are known to name patients since ``forget_news``."""
        return bool(self._news) or self._read < len(self._first_words)

    def may_have_news(self, text: str) -> bool:
        """Whether ``redact`` may find more in a text than before ``forget_news``."""
        are_many = len(self._first_words) - self._read > _MOST_NEWS
        return are_many or not self._unread().isdisjoint(_tokens(text))

    def forget_news(self) -> None:
        """Take all that is known as known."""
        self._read, self._news = len(self._first_words), set()

    def _unread(self) -> set[str]:
        self._news.update(self._first_words[self._read :])
        self._read = len(self._first_words)
        return self._news

    def redact(self, text: str) -> str:
        """Return a text without what identifies the patients; as it is, unless they are hidden."""
        if not self.is_hidden or not text:
            return text
        text = unicodedata.normalize("NFC", text)
        parts, end = [], 0
        for first, last in self._places(text):
            parts += [text[end:first], HIDDEN]
            end = last
        return _SEVERAL.sub(HIDDEN, "".join(parts) + text[end:])

    def may_be_in(self, text: str) -> bool:
        """Whether ``redact`` may find something in a text. Faster for long ones."""
        return not self._lengths.keys().isdisjoint(_tokens(text))

    def redact_fields(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Return fields by their keywords without what identifies the patient.

        ``PatientName`` is then the pseudonym; the others that tell who it is are empty texts.
        """
        if not self.is_hidden:
            return dict(fields)
        redacted = {
            self.redact(keyword): "" if is_identity(keyword) else self.redact(value)
            for keyword, value in fields.items()
        }
        if "PatientName" in fields:
            patient_id = fields.get("PatientID", "")
            redacted["PatientName"] = self.pseudonym(fields["PatientName"], patient_id)
        return redacted

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where something begins that identifies a patient, and where it ends."""
        places = [match.span() for match in _TOKEN.finditer(text)]
        tokens = [text[begin:end].casefold() for begin, end in places]
        number = 0
        while number < len(tokens):
            count = self._longest_at(number, tokens)
            if count:
                yield places[number][0], places[number + count - 1][1]
            number += max(count, 1)

    def _longest_at(self, number: int, tokens: list[str]) -> int:
        """Return how many words the longest phrase has that begins at a word; 0 if none does."""
        lengths = self._lengths.get(tokens[number], 0)
        while lengths:
            count = lengths.bit_length() - 1
            some = tokens[number : number + count]
            if len(some) == count and " ".join(some) in self._phrases:
                return count
            lengths ^= 1 << count
        return 0


def _key(name: str, patient_id: str) -> str:
    if not name and not patient_id:
        return ""
    # Of several spellings the first one, as a list cuts what is longer than its field.
    words = name_words(plain_name(cut_text(name, _LONGEST_LISTED)))
    return f"name {' '.join(words)} id {patient_id}"


def _tokens(text: str) -> _Phrase:
    return tuple(_TOKEN.findall(unicodedata.normalize("NFC", text).casefold()))


def _phrases_of_name(name: str) -> Iterator[_Phrase]:
    """Yield a name as a whole, and each of its parts that is more than an initial or a title."""
    for spelling in name.split("="):  # of one name, in several scripts (PS3.5 6.2.1)
        tokens = _tokens(spelling)
        if len(tokens) > 1 or (tokens and not tokens[0].isascii()):
            yield tokens
            yield ("".join(tokens),)
        for token in tokens:
            if len(token) > 1 and token not in _NO_NAMES and not token.isdecimal():
                yield (token,)


def _phrases_of_ids(*ids: str) -> Iterator[_Phrase]:
    for text in ids:
        tokens = _tokens(text)
        together = "".join(tokens)
        is_short_number = together.isdecimal() and len(together) < _SHORTEST_NUMBER
        if len(together) > 1 and not is_short_number and together not in _NO_NAMES:
            yield tokens
            yield (together,)
