"""What an archive lists.

``archive_lists`` are all of them, and remembers them; ``queries`` asks for one, with the
``patterns`` of a filter and a search; ``found_series`` are what other gateways have found,
``entries`` what clients see of series, ``study_counts`` whether some are missing.
"""
