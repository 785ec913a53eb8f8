"""Who takes part: people, their units, the sheet they come in, and the tables that keep them."""
