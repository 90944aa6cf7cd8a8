"""What identifies a patient is left out of any text, and nothing else is."""

from __future__ import annotations

import logging

import pytest

from helpers.long_lists import make_long_list
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients, is_identity
from IGTLMetaBrowserLib.privacy.redacted_list import redact_in_turns, redacted_table
from IGTLMetaBrowserLib.privacy.redacted_log import redact_log, stop_redacting_log


@pytest.fixture
def patients() -> HiddenPatients:
    patients = HiddenPatients()
    patients.is_hidden = True
    patients.register("Lindqvist^Astrid^M^Dr", "W-1021", "19500203")
    patients.register("王^小東=Wang^XiaoDong", "88", "")
    patients.register("Mu\N{COMBINING DIAERESIS}ller, Jo", "1.2.840.5")
    return patients


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Lindqvist^Astrid is missing", "(hidden) is missing"),
        ("head of A. LINDQVIST", "head of A. (hidden)"),
        ("LINDQVIST_CT_01", "(hidden)_CT_01"),
        ("file W-1021.dcm", "file (hidden).dcm"),
        ("file w1021.dcm, W 1021", "file (hidden).dcm, (hidden)"),
        ("born 19500203", "born (hidden)"),
        ("CT of 王小東", "CT of (hidden)"),
        ("CT of 王^小東", "CT of (hidden)"),
        ("Wang", "(hidden)"),
        ("Müller", "(hidden)"),
        ("Jo", "(hidden)"),
        ("study 1.2.840.5", "study (hidden)"),
    ],
)
def test_names_ids_and_birth_dates_are_left_out(patients, text, shown):
    assert patients.redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CT head, 88 slices of 512 × 512",  # the id 88 could be anything
        "Dr M",  # a title and an initial
        "1.2.840.10008 is missing",
        "W 10 of 21",
        "Patient 1",
        "Joint",
    ],
)
def test_other_words_stay(patients, text):
    assert patients.redact(text) == text


def test_unless_they_are_hidden_nothing_changes(patients):
    patients.is_hidden = False
    assert patients.redact("Lindqvist^Astrid") == "Lindqvist^Astrid"


def test_a_patient_has_one_pseudonym_by_id_and_name(patients):
    assert patients.pseudonym("Lindqvist^Astrid^M^Dr", "W-1021") == "Patient 1"
    assert patients.pseudonym("LINDQVIST, ASTRID M, DR", "W-1021") == "Patient 1"
    assert patients.pseudonym("Dr Astrid M Lindqvist", "W-1021") == "Patient 1"
    assert patients.pseudonym("王^小東", "88") == "Patient 2"  # as a list has it that is cut
    assert patients.pseudonym("Lindqvist^Astrid^M^Dr", "W-1022") == "Patient 4"
    assert patients.pseudonym("Roe^Jane", "W-1021") == "Patient 5"
    assert patients.pseudonym("", "") == ""


@pytest.mark.parametrize("most", [63, 64])
def test_a_long_name_that_a_list_has_cut_has_the_pseudonym_of_the_whole(patients, most):
    name = "Константинопольский^Александр^Владимирович"  # 82 bytes
    cut = codec.cut_text(name, most)
    assert cut != name
    assert patients.pseudonym(cut, "9") == patients.pseudonym(name, "9")


def test_nobody_can_guess_the_patient_from_the_uid(patients):
    uid = patients.uid("Lindqvist^Astrid", "W-1021")
    assert uid == patients.uid("Lindqvist^Astrid", "W-1021")
    assert uid != patients.uid("Lindqvist^Astrid", "W-1022")
    assert uid != patients.uid("Roe^Jane", "W-1021")
    assert uid != HiddenPatients().uid("Lindqvist^Astrid", "W-1021")
    assert patients.redact(uid) == uid
    assert "1021" not in uid or uid.count("-") == 4  # a random UUID


@pytest.mark.parametrize(
    ("keyword", "is_one"),
    [
        ("PatientName", True),
        ("PatientBirthDate", True),
        ("PatientSex", True),
        ("AccessionNumber", True),
        ("OtherPatientNames", True),
        ("my_patient_no", True),
        ("MotherBirthName", True),
        ("PatientPosition", False),
        ("PatientAge", False),
        ("ImageOrientationPatient", False),
        ("StudyDescription", False),
    ],
)
def test_which_keywords_tell_who_it_is(keyword, is_one):
    assert is_identity(keyword) is is_one


def test_a_list_of_many_patients_has_none_of_them(patients):
    table = make_long_list(2000)
    redacted = redacted_table(table, patients)
    names = {entry.patient_name for entry in redacted}
    assert all(name.startswith("Patient ") for name in names)
    assert len(names) == len({entry.patient_id for entry in table})
    assert {entry.patient_id for entry in redacted} == {""}
    assert [entry.size for entry in redacted] == [entry.size for entry in table]
    entry: codec.ImageMetaItem = table[7]
    assert redacted[7].name == entry.name


def test_a_list_that_is_redacted_in_turns_names_nobody_if_they_are_shown_meanwhile():
    """And hidden again: it is not known then of which rows."""
    patients, numbers = HiddenPatients(), range(500)
    items = [codec.ImageMetaItem(f"CT of Smith{n}", str(n), "CT", f"Smith{n}") for n in numbers]
    table = codec.unpack(codec.pack(codec.ImageMetaMessage(items))).items
    patients.hide()
    for turn, _ in enumerate(redact_in_turns(table, patients)):
        patients.hide(turn % 3 == 0)
    patients.hide()
    assert {entry.name for entry in redacted_table(table, patients)} == {"CT of (hidden)"}


def test_the_log_has_nothing_of_them(patients, caplog):
    redact_log(patients)
    logger = logging.getLogger("IGTLMetaBrowserLib.somewhere")
    logger.warning("the file %s cannot be read", "/data/Lindqvist/1.dcm")
    try:
        raise ValueError("Lindqvist is no number")
    except ValueError:
        logger.exception("it failed")
    assert "/data/(hidden)/1.dcm" in caplog.text
    assert "(hidden) is no number" in caplog.text
    assert "Lindqvist is" not in caplog.text
    assert "ValueError" in caplog.text
    stop_redacting_log(patients)
    logger.warning("of Lindqvist")
    assert caplog.messages[-1] == "of Lindqvist"


@pytest.mark.parametrize("spell", [str, codec.printable], ids=["as it came", "as it is shown"])
def test_a_name_that_is_not_utf_8_is_hidden_as_it_came_and_as_it_is_shown(spell):
    name = "Weiß, Jörg".encode("cp1252").decode("utf-8", "surrogateescape")
    patients = HiddenPatients()
    patients.register(name, "")
    patients.hide()
    assert "J" not in patients.redact(f"MR of {spell(name)}")
    assert "Wei" not in patients.redact(f"MR of {spell(name)}")
