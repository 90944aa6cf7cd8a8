"""What an archive lists.

``queries`` asks for it, with the ``patterns`` of a filter and a search; ``found_series`` are what
was found, ``entries`` what clients see of them, ``study_counts`` whether some are missing.
"""
