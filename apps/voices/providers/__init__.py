"""Who can speak: the protocol, and the providers that ship."""
