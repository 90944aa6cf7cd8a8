"""The DICOM metadata dictionary of a folder: its fields, reading headers, and the database."""
