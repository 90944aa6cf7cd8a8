"""The series that were fetched, and how.

``fetcher`` fetches one into the ``cache`` on disk; ``fetched_series`` and ``fetched_images`` are
what has come, ``in_use`` what stays open, ``disk_checks`` what is looked at again; ``threads``: how
they end.
"""
