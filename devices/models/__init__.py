"""The register's tables."""

from devices.models.contracts import Contract
from devices.models.devices import Device, Life, Ownership
from devices.models.kinds import Kind
from devices.models.network import Credential, Endpoint, Zone
from devices.models.people import Membership, Organisation, Role, User
from devices.models.places import Compound, CompoundGroup, District, Slot

__all__ = [
    "Compound",
    "CompoundGroup",
    "Contract",
    "Credential",
    "Device",
    "District",
    "Endpoint",
    "Kind",
    "Life",
    "Membership",
    "Organisation",
    "Ownership",
    "Role",
    "Slot",
    "User",
    "Zone",
]
