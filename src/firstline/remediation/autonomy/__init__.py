"""How much a mapping may do by itself, and what people have decided beside the files."""
