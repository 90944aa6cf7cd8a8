"""A folder of DICOM files: which frames are a volume, what their pixels mean, what lies on them.

the source     ``folder``, ``offers`` (what becomes of each file), ``file_versions``,
               ``kept_thumbnails``
volumes        ``volumes`` (which frames are one), with ``files``, ``places``, ``pixel_sizes``,
               ``spacing``, ``repetitions`` and ``volume_names``; ``upright`` (tilted stacks)
a list entry   ``fields``
pixels         ``pixels``, ``stored_pixels`` (read as they are), ``decoding``, ``values`` (what they
               mean), ``bits``, ``lookup_tables``, ``codestreams``, ``pixels_in_place``,
               ``volume_readings``
label maps     ``folder_label_maps``, ``segmentations``, ``structures``, ``label_notices``
plans          ``plans``; ``replaced_documents`` (of plans and label maps)
"""
