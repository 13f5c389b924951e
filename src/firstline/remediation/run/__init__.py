"""A plan's checks and commands, each once."""
