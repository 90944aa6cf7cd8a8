"""How a server answers, tried out: what ``igtlmeta probe`` prints."""
