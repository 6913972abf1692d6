"""Addresses of the pages, in the order of the navigation."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from monitor.overview.acts import Act
from monitor.web import account, decisions, devices, healthz, home, incidents, metrics, operators, pictures, proposals

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("demo/", include("monitor.web.demo")),
    path("", include("monitor.web.register")),
    path("", include("monitor.web.looks")),
    path("devices/", devices.devices, name="devices"),
    path("devices/<int:pk>/", devices.device, name="device"),
    path("devices/<int:pk>/pause/", decisions.pause, name="device-pause"),
    path("devices/<int:pk>/resume/", decisions.resume, name="device-resume"),
    path("devices/<int:pk>/reference/", proposals.button(Act.ACCEPT), name="device-accept"),
    path("devices/<int:pk>/fine/", proposals.button(Act.FINE), name="device-fine"),
    path("devices/<int:pk>/fault/", proposals.button(Act.FAULT), name="device-fault"),
    path("devices/<int:pk>/anew/", proposals.button(Act.ANEW), name="device-anew"),
    path("proposals/", proposals.waiting, name="waiting"),
    path("proposals/<int:pk>/grant/", proposals.grant, name="proposal-grant"),
    path("proposals/<int:pk>/refuse/", proposals.refuse, name="proposal-refuse"),
    path("compounds/<int:pk>/", devices.compound, name="compound"),
    path("incidents/", incidents.incidents, name="incidents"),
    path("i/<int:pk>/", incidents.incident, name="incident"),
    path("pictures/<int:pk>/<slug:which>.jpg", pictures.picture, name="picture"),
    path("operators/", operators.operators, name="operators"),
    path("login/", account.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("language/", account.language, name="language"),
    path("healthz/", healthz.healthz, name="healthz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
]
