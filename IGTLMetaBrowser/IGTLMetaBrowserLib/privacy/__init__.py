"""Keeps patient identity off the screen, out of logs, and out of what is given away.

the screen   ``hidden_patients`` (who they are, and their pseudonyms), ``redacted_list``
logs         ``redacted_log``
recordings   ``redacted_messages``, ``redacting_filters`` (of the bytes of a conversation)
servers      ``deidentified_source``, ``annotated_pixels`` (images that may show names)
``kept_texts`` says which texts name nobody.
"""
