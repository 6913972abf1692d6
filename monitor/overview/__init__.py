"""What the pages show, as plain data: no request comes in here and no HTML goes out."""
