"""The command ``igtlmeta``: one file a subcommand, its output, and the file formats it writes."""
