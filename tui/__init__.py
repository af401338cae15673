"""The faces of the advisor; they show and ask, and compute nothing."""
