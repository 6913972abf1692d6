"""The bench of the picture engine: `python -m monitor.benching.vision`, as JSON. Needs no platform, no Django."""
