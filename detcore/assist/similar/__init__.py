"""From some objects that a person shows, everything alike: without a network, without weights."""
