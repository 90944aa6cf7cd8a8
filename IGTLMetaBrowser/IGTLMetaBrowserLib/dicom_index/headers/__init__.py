"""The headers of DICOM files, read without their pixels.

``header_reader`` reads one, as far as its ``elements`` go (``sequences``, ``sequence_items``), by
``limited_file`` and ``buffer_file``; ``similar_headers`` reads those of a series faster, as each is
much like the one before. ``image_header`` is what an image needs of it: ``grids`` of many frames,
``pixel_place`` and ``stored_values`` (where its pixels lie, and what they are),
``plausible_numbers``. ``whole_dataset`` has all the rest; ``uids`` are those of PS3.6 by name.
"""
