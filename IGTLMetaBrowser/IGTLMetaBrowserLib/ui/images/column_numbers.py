"""The columns of the image table by their numbers, and the fields of a list that they show."""

from __future__ import annotations

STATE, NAME, MODALITY, PATIENT, PATIENT_ID, SCAN_TIME, SIZE, TYPE, ID, PREVIEW = range(10)

FIELDS = {
    NAME: "name",
    MODALITY: "modality",
    PATIENT: "patient_name",
    PATIENT_ID: "patient_id",
    SCAN_TIME: "scan_time",
    SIZE: "size",
    TYPE: "scalar_type",
    ID: "id",
}
