"""The `plan` commands: the guides' procedures, each with its figures computed."""
