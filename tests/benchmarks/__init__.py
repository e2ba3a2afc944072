"""Benchmarks: each ``bench_*.py`` here has a ``main()`` that returns its figures; `make bench` runs them all.

They print and never fail on a figure: what a machine can do is not a property of the code alone.
"""
