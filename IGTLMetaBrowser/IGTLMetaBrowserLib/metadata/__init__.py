"""What is known about an image, whoever knows it.

``registry`` asks the ``providers`` by priority, and keeps what they said (``answer_cache``,
``observable``, ``bounded``). What is asked for are ``modules`` of DICOM and our own, made in
``study_modules``, ``image_modules`` and ``geometry`` of ``values``. ``details`` has all of it.
"""
