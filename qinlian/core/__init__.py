"""The pure middle: model, identity, drawing, scoring. No I/O, no clock, no Jupyter."""
