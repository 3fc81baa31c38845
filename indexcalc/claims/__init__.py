"""Claims: what a formula is that is said to be a derivative; and if it is none, where it departs."""
