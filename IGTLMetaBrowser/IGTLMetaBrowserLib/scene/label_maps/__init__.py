"""Label maps as label map volumes or segmentations, and color tables.

``label_map_set`` has those of one server, ``label_maps`` makes the nodes, ``colors`` their colors,
``label_map_grids`` tells whether they fit their image.
The way out: ``outgoing_labels``, ``outgoing_segmentations``, ``segment_extents``.
"""
