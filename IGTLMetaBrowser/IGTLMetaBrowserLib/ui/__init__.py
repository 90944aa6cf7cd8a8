"""The window. The only package, with the module file, that knows Qt.

the panel   ``panel``, ``panel_events`` (what it shows of the browser's events),
            ``panel_messages``, ``panel_keys``, ``sections`` (which are open), ``status_line``,
            ``progress_section``, ``patient_privacy``, ``pump`` (the browser's steps in Qt's event
            loop)
its parts   ``connection``, ``images``, ``details``, ``trajectories``, ``archive``, and
            ``endpoints`` (own servers); in each, ``section`` is the part of the panel, and
            ``table`` a model
for all     ``views`` (of Slicer), ``widgets``, ``settings_values``, ``timers``, ``plurals``,
            ``locale_texts``
"""
