"""One module a command family: a request model, and a function from the request to a JSON document.

The command line, its JSON-lines loop and the tools of a language model all call these functions, so that they
cannot answer differently.
"""
