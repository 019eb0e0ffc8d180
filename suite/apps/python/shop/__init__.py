"""A small web shop that fails in the ways shops fail. The suite drives it over HTTP and reads what Bugle made of it."""
