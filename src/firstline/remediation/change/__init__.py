"""The change that covers a remediation: opened, waited for, begun, followed, closed."""
