"""The server: one thread for any number of clients.

``server`` has a ``served_client`` for each; ``replies`` is what a message makes it do, ``answers``
what a source answers, ``packed_lists`` what of that is a list, ``named_items`` what of a list.

images           ``packed_images`` (once for all), ``memory_queue`` (who waits for theirs),
                 ``served_parts``, ``arriving_images`` (while they are decoded), ``image_streams``,
                 ``thumbnails``
what is written  ``journal`` (the log, and ``events`` for an observer), ``audit`` with
                 ``repeated_transfers`` (who was sent what)
"""
