"""DICOM documents of what was made in Slicer, to be stored: plans (SR) and label maps (SEG).

``plan_document``, ``label_document`` with ``label_file``, ``label_planes`` and ``other_segments``,
``patient_and_study``, which they have of their images, and ``predecessor``, the document that a new
one replaces. Reading them is for ``sources.dicom``.
"""
