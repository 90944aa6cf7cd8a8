"""A folder of DICOM files: which frames are a volume, what their pixels mean, what lies on them.

the source  ``folder``, ``offers`` (what becomes of its files), ``series_offers`` (of a series'),
            ``files``, ``file_fields``, ``file_versions``, ``kept_thumbnails``; ``fields`` (a list
            entry)
volumes     which frames are one, and where it lies
pixels      how they are read, and what they mean
label_maps  segmentations and structure sets
plans       ``plans``; ``replaced_documents`` (of plans and label maps)
"""
