"""Faults that a sandbox makes when asked to, so that users and tests see what a bad day does."""
