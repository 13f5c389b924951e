"""Firstline's connector for PagerDuty."""
