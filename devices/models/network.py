"""How devices are reached: zones, endpoints and the credentials to log in with."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from devices.addresses import MAX_PORT, check_host
from devices.secrets import SecretField

# Each batch dials them twice: a gateway and a second witness will do.
MAX_CANARIES = 4


def validate_host(text: str) -> None:
    """A host that can be dialled at all; which addresses may be is checked at every connect."""
    try:
        check_host(text)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def validate_canaries(text: str) -> None:
    """Up to `MAX_CANARIES` lines, each a host and a port."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_CANARIES:
        raise ValidationError(_("At most %(most)s canaries.") % {"most": MAX_CANARIES})
    for line in lines:
        host, port = split_canary(line)
        if not 1 <= port <= MAX_PORT:
            raise ValidationError(_("“%(line)s” is no host and port, such as 192.0.2.1:80.") % {"line": line})
        validate_host(host)


def split_canary(line: str) -> tuple[str, int]:
    """Host and port of a line; port 0 where there is none."""
    host, _colon, port = line.strip().rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() and len(port) <= len(str(MAX_PORT)) else 0


class ZoneQuerySet(models.QuerySet["Zone"]):
    """Zones."""

    def polled(self) -> ZoneQuerySet:
        """Those that this installation polls: outside the demo its virtual cameras are not running."""
        return self if settings.VIEWKEEPER_DEMO else self.filter(demo=False)


class Zone(models.Model):
    """A network in which addresses are unique; polled by one collector (domain: 网域).

    `demo` zones, and only they, may dial loopback. The column is not editable, so the exception cannot reach a real
    installation.
    """

    name = models.SlugField(_("name"), max_length=32, unique=True)
    label = models.CharField(_("label"), max_length=80)
    canaries = models.TextField(
        _("canaries"),
        blank=True,
        validators=[validate_canaries],
        help_text=_("What always answers in this network, such as its gateway: an address and port in each line."),
    )
    demo = models.BooleanField(_("demo data"), default=False, editable=False)

    objects = ZoneQuerySet.as_manager()

    class Meta:
        verbose_name = _("zone")
        verbose_name_plural = _("zones")

    def __str__(self) -> str:
        return self.label or self.name

    @property
    def canary_addresses(self) -> list[tuple[str, int]]:
        """Host and port of each canary."""
        return [split_canary(line) for line in self.canaries.splitlines() if line.strip()]


class Credential(models.Model):
    """A login for devices; the password is encrypted, and shown to nobody."""

    label = models.CharField(_("label"), max_length=80)
    username = models.CharField(_("user name"), max_length=80)
    password = SecretField(_("password"), blank=True)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)
    demo = models.BooleanField(_("demo data"), default=False, editable=False)

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")

    def __str__(self) -> str:
        return self.label


class Endpoint(models.Model):
    """One address and port in a zone: the unit of polling, since a recorder's channels share it (decision 3)."""

    class Scheme(models.TextChoices):
        """How the endpoint is spoken to."""

        HTTP = "http", "http"
        HTTPS = "https", "https"

    zone = models.ForeignKey(Zone, models.PROTECT, related_name="endpoints", verbose_name=_("zone"))
    scheme = models.CharField(_("scheme"), max_length=5, choices=Scheme.choices, default=Scheme.HTTP)
    host = models.CharField(_("host"), max_length=253, validators=[validate_host])
    port = models.PositiveIntegerField(
        _("port"), default=80, validators=[MinValueValidator(1), MaxValueValidator(MAX_PORT)]
    )
    credential = models.ForeignKey(
        Credential, models.SET_NULL, null=True, blank=True, related_name="endpoints", verbose_name=_("credential")
    )
    basic_in_clear = models.BooleanField(_("may send the password in clear (Basic over http)"), default=False)

    class Meta:
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        constraints = (
            models.UniqueConstraint(
                name="endpoint_once_in_zone",
                fields=("zone", "host", "port"),
                violation_error_message=_("This address and port is in the register already."),
            ),
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"
