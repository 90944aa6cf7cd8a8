"""Images as volume nodes.

``volumes`` makes one of a message; ``image_set`` knows which node shows which image of a server,
and writes its ``description`` onto it by ``described_nodes``; ``image_nodes`` has those of all
servers. ``describer`` says who has written a description.

parts        ``previews``, ``subvolumes``, ``roi_boxes``
4D, live     ``sequence``, ``sequence_recording``, ``sequence_nodes``
the user's   ``moved_images``, ``edited_voxels``, ``calibrated_spacing``
the way out  ``outgoing_volumes``, ``node_slices``; into files ``savable_voxels``

Patients are hidden in nodes that an open browser describes by its ``image_nodes``; in all others by
``patients_elsewhere``: ``undescribed_volumes`` (also frames, and what scene views hold),
``sequence_names``, ``file_names``, and the items of the subject hierarchy. ``covered_texts`` says
who hides what, and where that is kept.
"""
