"""One folder per exchange: ``spec`` (facts as frozen data) and ``codec`` (sans-I/O: frames out, frames in -> events).

Nothing here opens a socket, sleeps or reads the clock. ``load_venue`` imports one folder by name, so that starting with
one venue loads one venue.
"""
