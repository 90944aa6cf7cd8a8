"""What becomes of an image of the right ID that has another size, type or patient than listed.

The list may have changed since it was read, the list may be wrong, or the server may send whatever
it likes. So list and image are asked for once more:

- If they agree now, the list had changed.
- If the image has the same size, type and patient as before, the list is wrong: the image is shown
  or written, with a note, and other images of this server are not asked for twice. The reference
  ImageDatabaseServer is such a server (it lists 512×512×64 uint16, and sends 256×256×1 uint8), and
  so is StealthLink through Plus, which lists every image as uint8.
- If it has yet another size, type or patient, nobody knows what it is: it is an error.

Who numbers its images sends the next patient's under an ID of before, when it was started again.
"""

from __future__ import annotations

from collections.abc import Iterable

from ... import codec
from ..errors import AnswerError
from .image_notes import describe_image
from .listed_images import fits, is_of_another_patient

_Form = tuple[tuple[int, ...], str, str]


class ListCheck:
    """Compares the images of one server with its list."""

    def __init__(self) -> None:
        self._is_list_wrong = False
        # Of the images that were asked for once more: what the first answer was.
        self._first: dict[str, tuple[_Form, str]] = {}

    def must_ask_again(
        self, image_id: str, image: codec.ImageMessage, entries: Iterable[codec.ImageMetaItem]
    ) -> bool:
        """Whether list and image are to be asked for once more. ``entries`` have the image's ID.

        Raises ``AnswerError`` if the server sends another image each time.
        """
        first, words = self._first.pop(image_id, (None, ""))
        listed = list(entries)
        if any(fits(image, one) and not is_of_another_patient(image, one) for one in listed):
            return False
        if first is None and not listed:  # it may be asked for all the same
            return False
        if any(
            not any(one.size) and not is_of_another_patient(image, one) for one in listed
        ):  # an archive does not know it before
            return False
        patient = image.metadata.get("PatientID", "")
        form = (tuple(image.whole_size), image.pixels.dtype.name, patient)
        if first is None and not self._is_list_wrong:
            self._first[image_id] = form, describe_image(image)
            return True
        if first is not None and form != first:
            raise AnswerError(
                f"the server sends another image each time: first {words}, then "
                f"{describe_image(image)}; neither is as listed"
            )
        if first is not None and not listed:
            raise AnswerError("the server has removed it from the list")
        self._is_list_wrong = True
        return False

    def forget(self, image_id: str) -> None:
        """Forget that an image was asked for once more: nobody waits for it."""
        self._first.pop(image_id, None)
