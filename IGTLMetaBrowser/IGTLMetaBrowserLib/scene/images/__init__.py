"""Images as volume nodes.

``volumes`` makes one of a message; ``image_nodes`` knows which node shows which image, and writes
its ``description`` onto it. ``describer`` says who has.

parts        ``previews``, ``subvolumes``, ``roi_boxes``
4D, live     ``sequence``, ``sequence_recording``, ``sequence_nodes``
the user's   ``moved_images``, ``calibrated_spacing``, ``scene_views``,
             ``undescribed_volumes``, ``sequence_names``, ``patients_elsewhere``
the way out  ``outgoing_volumes``, ``node_slices``
"""
