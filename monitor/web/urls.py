"""Addresses of the pages, in the order of the navigation."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
