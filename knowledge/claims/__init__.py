"""Figures that a guide states, as typed claims. Extraction only: nothing here judges whether one is right."""
