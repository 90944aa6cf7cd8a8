"""The log of a de-identified server: numbers and our own words."""

from __future__ import annotations

import io
import logging

import pytest

from IGTLMetaBrowserLib.privacy.redacted_log import OwnWordsOnly


@pytest.fixture
def log():
    """What is logged through a handler with the filter."""
    handler = logging.StreamHandler(text := io.StringIO())
    handler.addFilter(OwnWordsOnly())
    logging.getLogger().addHandler(handler)
    yield text
    logging.getLogger().removeHandler(handler)


def test_texts_of_files_and_archives_are_not_logged(log: io.StringIO):
    logger = logging.getLogger("IGTLMetaBrowserLib.sources.somewhere")
    logger.warning("%s is not offered: %s; %d of %g", "Doe^Jane.dcm", ValueError("Doe"), 3, 4.5)
    try:
        raise ValueError("Doe is no number")
    except ValueError:
        logger.exception("it failed")
    assert log.getvalue() == "(hidden) is not offered: (hidden); 3 of 4.5\nit failed\n"


def test_what_other_packages_log_is_left_out(log: io.StringIO):
    logging.getLogger("pydicom").warning("the value Doe^Jane is odd")
    assert log.getvalue() == ""


def test_what_clients_do_is_logged(log: io.StringIO):
    logging.getLogger("IGTLMetaBrowserLib.net.server.server").warning("%s connected", "127.0.0.1:5")
    assert log.getvalue() == "127.0.0.1:5 connected\n"
