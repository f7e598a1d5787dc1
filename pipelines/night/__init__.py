"""One night of one app, from opening it to publishing: a file a stage."""
