"""What runs steps. Each kind of executor is a package here, found by its entry point."""
