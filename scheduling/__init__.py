"""Who goes next and what it costs. Pure: no I/O, no clock of its own."""
