"""A project whose label files stay the truth for other programs: written at each edit, and looked at for what others
changed in them."""
