"""What the route after a pause takes."""

from typing import ClassVar

from pydantic import Field

from libs.events.base import Stage
from libs.events.rulings import ReEntryRuled, Ruling
from libs.web.models import Id
from services.progression_engine.bodies import RulingBody


class ReEntryBody(RulingBody):
    """Names the stage after a pause for an operation, or an illness with fever or antibiotics."""

    RULING: ClassVar[type[Ruling]] = ReEntryRuled

    programme: Id
    stage: Stage = Field(description="not above the stage before")
