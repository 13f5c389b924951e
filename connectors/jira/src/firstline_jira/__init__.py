"""Firstline's connector for Jira."""
