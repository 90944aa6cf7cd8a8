"""Label maps of the images of a folder.

``folder_label_maps`` finds them, in ``segmentations`` and ``structures`` (structure sets);
``label_notices`` is what there is to know of them.
"""
