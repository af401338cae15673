"""The guides' planning procedures as deterministic tools; figures of the guides are checked by calculation."""
