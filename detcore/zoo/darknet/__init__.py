"""Darknet's networks: its `.cfg` files parsed, built, trained by their own rules, and its `.weights` read and
written."""
