"""The demo: a shop that breaks, a monitor that pages, real incidents, and the proof that all of it was mended."""
