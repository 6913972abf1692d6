"""Devices that misbehave on purpose, byte by byte: a corpus to try a poller against, never to imitate a camera."""
