"""Text and Excel to the model and back, with located diagnostics."""
