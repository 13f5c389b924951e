"""From a delivery to a decision."""
