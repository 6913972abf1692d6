"""Telling people: events become notifications, notifications become mails (DESIGN, decision 15)."""
