"""An archive (PACS) that is browsed through a gateway, and what is stored in it."""
