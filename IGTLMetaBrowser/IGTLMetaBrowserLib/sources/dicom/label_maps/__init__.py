"""Label maps of the images of a folder.

``folder_label_maps`` finds them, in ``segmentations`` and ``structure_sets``; ``label_map`` is what
they become, with ``colors``, and ``label_notices`` what there is to know of them.
"""
