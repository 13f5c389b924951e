"""What keeps a remediation from going on, asked and kept: locks, counts, breakers, kill switches, overrides."""
