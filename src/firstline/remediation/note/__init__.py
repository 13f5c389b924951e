"""What is said on tickets, and in whose words."""
