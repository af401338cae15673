"""Completion in a shell: the commands and options of a table, names of the data files; nothing heavy."""
