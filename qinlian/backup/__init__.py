"""One file that holds everything a classroom needs to come back, and the way back."""
