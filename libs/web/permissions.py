"""Who may do what: the one table of roles and permissions.

A role is somebody's part in a clinic, or in running the deployment; a permission is what a route asks for.
Which clinic, and for a patient which patient, is checked beside it (`libs.web.routes`).
"""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Whose token it is. All but the operator's are of one clinic."""

    PATIENT = "patient"
    CLINICIAN = "clinician"
    CLINIC_ADMIN = "clinic_admin"
    AUDITOR = "auditor"
    INTEGRATION = "integration"
    OPERATOR = "operator"


class Permission(StrEnum):
    """What a route asks for. `PUBLIC` asks for nothing, not even a token."""

    PUBLIC = "public"
    CREATE_CLINIC = "create_clinic"
    REGISTER_PATIENT = "register_patient"
    ENROL_PROGRAMME = "enrol_programme"
    RECORD_FACTS = "record_facts"
    RECORD_ASSESSMENT = "record_assessment"
    CORRECT_FACTS = "correct_facts"
    IMPORT_DIARY = "import_diary"
    RULE = "rule"
    PUBLISH_PROTOCOL = "publish_protocol"
    APPROVE_PROTOCOL = "approve_protocol"
    RECALL_PROTOCOL = "recall_protocol"
    ADOPT_PROTOCOL = "adopt_protocol"
    READ_PROTOCOLS = "read_protocols"
    READ_RECORD = "read_record"
    READ_PANEL = "read_panel"
    READ_ENTRIES = "read_entries"
    OPERATE = "operate"


_WRITES: Final = frozenset(
    {
        Permission.REGISTER_PATIENT,
        Permission.ENROL_PROGRAMME,
        Permission.RECORD_FACTS,
        Permission.CORRECT_FACTS,
        Permission.IMPORT_DIARY,
    }
)

GRANTED: Final[dict[Role, frozenset[Permission]]] = {
    Role.PATIENT: frozenset({Permission.RECORD_FACTS, Permission.CORRECT_FACTS, Permission.READ_RECORD}),
    Role.CLINICIAN: _WRITES
    | {
        Permission.RECORD_ASSESSMENT,
        Permission.RULE,
        Permission.PUBLISH_PROTOCOL,
        Permission.APPROVE_PROTOCOL,
        Permission.RECALL_PROTOCOL,
        Permission.ADOPT_PROTOCOL,
        Permission.READ_PROTOCOLS,
        Permission.READ_RECORD,
        Permission.READ_PANEL,
        Permission.READ_ENTRIES,
    },
    Role.CLINIC_ADMIN: frozenset(
        {
            Permission.REGISTER_PATIENT,
            Permission.ENROL_PROGRAMME,
            Permission.IMPORT_DIARY,
            Permission.PUBLISH_PROTOCOL,
            Permission.RECALL_PROTOCOL,
            Permission.ADOPT_PROTOCOL,
            Permission.READ_PROTOCOLS,
            Permission.READ_RECORD,
            Permission.READ_PANEL,
        }
    ),
    Role.AUDITOR: frozenset({Permission.READ_RECORD, Permission.READ_ENTRIES, Permission.READ_PROTOCOLS}),
    Role.INTEGRATION: _WRITES | {Permission.RECORD_ASSESSMENT, Permission.READ_RECORD},
    Role.OPERATOR: frozenset(
        {
            Permission.CREATE_CLINIC,
            Permission.OPERATE,
            Permission.PUBLISH_PROTOCOL,
            Permission.RECALL_PROTOCOL,
            Permission.READ_PROTOCOLS,
        }
    ),
}
"""Role → what it may do. An operator runs the deployment and never sees personal data."""


def is_granted(role: Role, permission: Permission) -> bool:
    """Whether a principal of this role may do it."""
    return permission is Permission.PUBLIC or permission in GRANTED[role]
