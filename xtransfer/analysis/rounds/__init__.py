"""Studies by rounds: looks that keep their error rate, what runs next, and when to stop."""
