"""Measurements, run by `make bench`; they are no tests."""
