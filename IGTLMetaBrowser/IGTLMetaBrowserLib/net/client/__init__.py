"""The client: which query a message answers, and servers as they are.

``client`` has the blocking calls, for scripts; ``base_client``, which the browser steps, has a
``session`` for each connection. ``queries`` finds for each message the ``query`` that it answers,
``query_errors`` says why one has no answer.

servers as they are  ``other_names``, ``list_check``, ``listed_images``, ``image_notes``,
                     ``header_versions``, ``capabilities``, ``diameters``, ``several_lists``
images in parts      ``image_in_parts``, ``parts_transfer``, ``partial_image``, ``part_answers``,
                     ``link_speed``
"""
