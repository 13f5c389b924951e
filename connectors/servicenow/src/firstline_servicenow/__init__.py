"""Firstline's connector for ServiceNow."""
