"""Who a patient is, as last told."""

import msgspec

from libs.events.base import Event
from libs.events.facts import FactCorrected, Identifier, PatientRegistered


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a clinic calls a patient."""

    name: str | None = None
    born: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    language: str = "en"


def identity_of(event: Event | None) -> Identity | None:
    """Who an entry says the patient is; None where it says nothing of it."""
    match event:
        case PatientRegistered():
            return Identity(
                name=event.name, born=event.born, identifiers=event.identifiers, language=event.language
            )
        case FactCorrected(replacement_type=PatientRegistered.TYPE, replacement=dict() as told):
            try:
                return msgspec.convert(
                    {name: told[name] for name in Identity.__struct_fields__ if name in told}, Identity
                )
            except msgspec.ValidationError:
                return None
        case _:
            return None
