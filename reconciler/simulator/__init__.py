"""A faithful Agora Cloud Recording service on loopback, with faults to order."""
