"""The hub's face: webhooks in, the API, and pages for people."""
