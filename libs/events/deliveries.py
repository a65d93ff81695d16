"""What leaves the house: intent, attempt, result. Appended by notification to `delivery-` streams."""

from typing import ClassVar, Literal

from libs.events.base import Event


class DeliveryIntended(Event, frozen=True, kw_only=True):
    """Something shall be sent. Sealed under the recipient's patient's key."""

    TYPE: ClassVar[str] = "heelrise.delivery_intended.v1"
    delivery: str
    """Derived from event, channel and recipient; the receiver sees it."""
    channel: Literal["mail"]
    recipient: str
    """`role:id`, pseudonymous."""
    about: str
    """Id of the entry that it tells of."""
    template: str
    """Name and version of the message: `red_flag_clinician/1`."""
    effective_at: str
    """Instant from which the 72 hours are counted."""


class DeliveryAttempted(Event, frozen=True, kw_only=True):
    """A try began. Clear: results are accepted after an erasure too."""

    TYPE: ClassVar[str] = "heelrise.delivery_attempted.v1"
    delivery: str
    attempt: int


class DeliverySucceeded(Event, frozen=True, kw_only=True):
    """The receiver took it."""

    TYPE: ClassVar[str] = "heelrise.delivery_succeeded.v1"
    delivery: str
    attempt: int


class DeliveryFailed(Event, frozen=True, kw_only=True):
    """A try failed; `final` where no other follows."""

    TYPE: ClassVar[str] = "heelrise.delivery_failed.v1"
    delivery: str
    attempt: int
    error: str
    """A code, never the receiver's words."""
    final: bool = False


class DeliverySuppressed(Event, frozen=True, kw_only=True):
    """It is not sent, and why."""

    TYPE: ClassVar[str] = "heelrise.delivery_suppressed.v1"
    delivery: str
    about: str
    why: Literal["older_than_72_hours", "no_address", "unsubscribed", "erased", "died"]


DELIVERIES: tuple[type[Event], ...] = (
    DeliveryIntended, DeliveryAttempted, DeliverySucceeded, DeliveryFailed, DeliverySuppressed,
)  # fmt: skip
