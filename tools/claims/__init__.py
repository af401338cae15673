"""Statements of the guides held against what the tools compute and the catalog knows."""
