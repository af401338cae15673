"""The guides' planning procedures as deterministic tools; their figures are checked by calculation."""
