"""Reviews of a base model that are kept over weeks: `plan migration --run`."""
