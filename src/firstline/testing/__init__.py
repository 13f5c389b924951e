"""What the authors of connectors and executors test with: contract suites, servers on loopback. Shipped for them."""
