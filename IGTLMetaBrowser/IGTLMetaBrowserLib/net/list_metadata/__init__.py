"""What our own servers say in the metadata of a list, beyond the fields of its items.

Only between ends that have told each other who they are, by their ``identity``; and no more than
its ``size`` may be.

of images  ``whole_texts`` (names that are longer than their fields), ``image_sequences`` (4D),
           ``patient_issuers``
of a list  ``notices``: what is to be known of it, and of the documents that it was read from
"""
