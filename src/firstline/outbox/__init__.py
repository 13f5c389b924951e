"""The outbox: what is to be written on other systems' records, each once, in order for each record."""
