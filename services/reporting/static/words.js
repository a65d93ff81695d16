// The words for what the server names by code.

export const STAGES = { 1: "Isometric", 2: "Slow isotonic", 3: "Heavy slow resistance", 4: "Elastic" };

export const STATES = {
  suspended: "Suspended",
  held: "On hold",
  proposed: "Step to confirm",
  awaiting: "Awaiting assessment",
  active: "Active",
};

/** What needs somebody's eyes stands first. */
export const URGENCY = ["suspended", "held", "proposed", "awaiting", "active"];

export const CHECKPOINT = {
  none: "Not yet",
  pending: "Pending: next day open",
  passed: "Passed",
  failed: "Failed",
  inconclusive: "Inconclusive",
  reading_asked: "Reading to be ruled",
};

export const PRESENTATION = {
  mid_portion: "mid-portion",
  insertional: "insertional",
  both: "both places",
  unsure: "unsure where",
};

export const VERDICT = { met: "met", not_met: "not met", unknown: "unknown" };

export const REASONS = {
  no_evidence: "nothing was told",
  not_asked: "it was not asked",
  too_old: "what was told is too old",
  window_open: "the next day is still open",
  needs_clinician: "a clinician has to say",
  inconclusive: "what was told does not settle it",
};

export const ENDS_WITH = {
  clinician: "a clinician ends it",
  flare_closed: "ends when the flare closes",
  tolerated_sessions: "ends with well tolerated sessions, or a clinician ends it",
  flag_ended: "ends with its flag, by sessions within the limit or by a clinician",
  stage_named: "ends when a clinician names the stage",
  answer: "ends with the answer, or a clinician ends it",
};

/** `Hold: flare`; of what a note makes one ask, also what that is. */
export function holdName(hold) {
  const asked = (hold.questions || []).map(plain).join(", ");
  return `Hold: ${plain(hold.kind)}${asked ? ` (${asked}?)` : ""}`;
}

/** `heelrise.stage_advanced.v1` → `Stage advanced`. */
export function typeName(type) {
  const what = type.split(".")[1] || type;
  return capital(what.replaceAll("_", " "));
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function plain(code) {
  return String(code).replaceAll("_", " ");
}

/** What is open beside a gate's criteria: `flare-20261006T202400Z` is a flare since that day. */
export function openName(id) {
  if (/^question-\d+$/.test(id)) return { name: "a question that a note raises", since: null };
  const found = /^([a-z_]+)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ/.exec(id);
  if (!found) return { name: plain(id), since: null };
  const [, kind, year, month, date, hour, minute] = found;
  return { name: plain(kind), since: `${year}-${month}-${date}T${hour}:${minute}:00Z` };
}
