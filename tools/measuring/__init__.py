"""Measuring a running model: what is sent, when what came, and what follows from it.

`run.Bench` is the whole: an asynchronous generator of progress, and the run that was measured so far.
"""
