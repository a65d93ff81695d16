"""What things cost, measured: `make bench`. No test; nothing here passes or fails."""
