"""Runs at other systems, which are asked how far they are: requests whose fate is known, a log that lies elsewhere, and
what is kept of a run here."""
