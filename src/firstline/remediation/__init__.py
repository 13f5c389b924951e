"""The durable course of a remediation: the only place that waits and retries."""
