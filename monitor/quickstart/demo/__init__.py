"""The demo: a small made-up city district, its people, its past and its virtual cameras."""
