"""A small web shop that fails in the ways web shops fail. Its errors are the material of `cargo xtask bench`."""
