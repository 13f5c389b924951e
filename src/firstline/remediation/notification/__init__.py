"""Telling people of questions, each with a link of their own."""
