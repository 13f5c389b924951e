"""Plans: made, compared, shown, tried dry."""
