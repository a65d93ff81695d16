// One patient: where each tendon stands, how it got there, and everything told and decided.

import { clinicPath, get, principal } from "./api.js";
import { chart } from "./chart.js";
import { ago, day, el, link, showTimesIn } from "./dom.js";
import { nameOf, weeks } from "./panel.js";
import { capital, CHECKPOINT, ENDS_WITH, holdName, openName, plain, PRESENTATION, STAGES, STATES, typeName, VERDICT } from "./words.js";

export async function patientView(id) {
  const patient = await get(clinicPath(`/patients/${encodeURIComponent(id)}`));
  showTimesIn(patient.zone);
  return [
    principal().role === "patient" ? null : el("p", { class: "back" }, link("/", "← All patients")),
    el("h1", {}, nameOf(patient, id)),
    facts(patient),
    patient.current ? null : el("p", { class: "notice bad" }, el("strong", {}, "Not current: do not add load."), " ", patient.not_current_because),
    patient.red_flags.length
      ? el("p", { class: "notice bad" }, el("strong", {}, "Red flags: "), patient.red_flags.map(plain).join(", "), ". No loading until a clinician has looked.")
      : null,
    el("div", { class: "programmes" }, patient.programmes.map((each) => programmeCard(each, id, patient.current))),
    patient.programmes.length > 1 ? session(patient.session) : null,
    patient.programmes.length ? null : el("p", { class: "empty" }, "No programme yet."),
    await timeline(id),
  ];
}

function facts(patient) {
  const called = nameOf(patient, patient.patient);
  const ids = patient.identifiers.map((each) => each.value).filter((each) => each !== called).join(", ");
  return el(
    "p",
    { class: "quiet" },
    ids ? `${ids} · ` : null,
    "last input ",
    ago(patient.last_input_at),
    ` · ${patient.inputs} inputs, ${patient.answered} answered`,
  );
}

function programmeCard(programme, patient, current) {
  return el(
    "section",
    { class: "card" },
    el(
      "h2",
      {},
      `${capital(programme.side)} Achilles `,
      el("small", {}, PRESENTATION[programme.presentation] || plain(programme.presentation)),
      el("span", { class: `state ${programme.state}` }, STATES[programme.state] || plain(programme.state)),
    ),
    track(programme),
    chart(programme),
    el(
      "dl",
      {},
      pair("Consistent weeks", weeks(programme)),
      pair("Checkpoint", CHECKPOINT[programme.checkpoint] || plain(programme.checkpoint)),
      scores(programme.visa_a),
      programme.proposed ? pair("Proposed", `Stage ${programme.proposed}, waits for a clinician`) : null,
      programme.holds.map((hold) => pair(holdName(hold), ENDS_WITH[hold.ends_with] || plain(hold.ends_with))),
      programme.marked.length ? pair("Marked", programme.marked.map(plain).join(", ")) : null,
    ),
    prescription(programme.prescription, current),
    flags(programme.flags, patient),
    gate(programme.gate),
    programme.last_decision
      ? el(
          "p",
          { class: "say" },
          programme.last_decision.sentence,
          " ",
          link(`/patients/${patient}/decisions/${programme.last_decision.id}`, "Why?"),
        )
      : null,
  );
}

/** The newest VISA-A with its change since the first; or that it is asked for. */
function scores(visa) {
  const newest = visa.scores.at(-1);
  const asked = visa.due === null ? "" : visa.due === 0 ? "asked for at the start" : `asked for in week ${visa.due}`;
  if (!newest) return asked ? pair("VISA-A", asked) : null;
  const week = newest.week === null ? "" : ` in week ${newest.week}`;
  const change = newest.change === null ? "" : `, ${newest.change < 0 ? "−" : "+"}${Math.abs(newest.change)} since the first`;
  const matters = newest.matters === null ? "" : newest.matters ? ", a change that matters" : `, less than the ${visa.matters_points} that matter`;
  return pair("VISA-A", `${newest.total} of 100${week}${change}${matters}${asked ? `; ${asked}` : ""}`);
}

/** What to do now. Where it is not current, nothing says how it would rise. */
function prescription(issued, current) {
  if (!issued) return null;
  return el(
    "section",
    { class: "prescription" },
    el("h3", {}, "Prescribed", el("small", {}, ` Stage ${issued.stage}, week ${issued.week}, since `, day(issued.issued_at))),
    current ? null : el("p", { class: "notice bad" }, el("strong", {}, "Not current: do not add load.")),
    issued.nothing
      ? el("p", { class: "quiet" }, `Nothing: ${issued.reasons}.`)
      : el(
          "ul",
          {},
          issued.exercises.map((each) =>
            el(
              "li",
              {},
              each.text,
              each.why ? el("small", {}, ` (${each.why})`) : null,
              current && each.next ? el("div", { class: "quiet" }, each.next) : null,
            ),
          ),
        ),
  );
}

/** What people often get wrong, where it is so: why, and what to do. */
function flags(open, patient) {
  if (!open.length) return null;
  return el(
    "section",
    { class: "flags" },
    el("h3", {}, "To put right"),
    el(
      "ul",
      {},
      open.map((each) =>
        el(
          "li",
          { class: each.urgent ? "urgent" : null },
          el("strong", {}, capital(each.called)),
          el("small", {}, " since ", day(each.since), each.urgent ? ", urgent" : null),
          el("div", {}, each.sentence, " ", each.decision ? link(`/patients/${patient}/decisions/${each.decision}`, "Why?") : null),
        ),
      ),
    ),
  );
}

/** A session of both tendons: what is done on both legs stands once, the lighter where they differ. */
function session(exercises) {
  return el(
    "section",
    { class: "prescription" },
    el("h2", {}, "A session of both"),
    el(
      "ul",
      {},
      exercises.map((each) =>
        el(
          "li",
          {},
          each.text,
          each.not_yet
            ? el("small", {}, " Not on both legs yet: the other tendon is not as far.")
            : each.lighter_of_two
              ? el("small", {}, " The lighter of the two, as it loads both.")
              : null,
        ),
      ),
    ),
  );
}

/** What stands before the next stage: what is met stays folded away, what is missing doesn't. */
function gate(next) {
  if (!next) return null;
  const missing = next.criteria.filter((each) => each.verdict !== "met");
  const met = next.criteria.length - missing.length;
  return el(
    "section",
    { class: "gate" },
    el("h3", {}, `Before Stage ${next.to_stage}`, el("small", {}, ` ${met} of ${next.criteria.length} criteria met`)),
    el(
      "ul",
      {},
      next.open.map(openName).map((each) =>
        el("li", {}, el("span", { class: "verdict not_met" }, "open"), ` ${each.name}`, each.since ? [" since ", day(each.since)] : null),
      ),
      missing.map((each) =>
        el("li", {}, el("span", { class: `verdict ${each.verdict}` }, VERDICT[each.verdict]), ` ${each.statement || plain(each.id)} `, el("small", {}, each.text)),
      ),
    ),
  );
}

function pair(name, value) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value));
}

function track(programme) {
  return el(
    "ol",
    { class: "track" },
    [1, 2, 3, 4].map((stage) =>
      el(
        "li",
        {
          class: stage < programme.stage ? "done" : stage === programme.stage ? "here" : null,
          "aria-current": stage === programme.stage ? "step" : null,
        },
        el("b", {}, stage),
        ` ${STAGES[stage]}`,
        programme.loading === stage && stage !== programme.stage ? el("small", {}, "loads here for now") : null,
      ),
    ),
  );
}

async function timeline(id) {
  const list = el("ol", { class: "timeline" });
  const more = el("button", { type: "button", class: "more" }, "Earlier");
  const empty = el("p", { class: "empty", hidden: true }, "Nothing here.");
  let next = "";
  let show = "changes";
  const load = async () => {
    const after = next ? `&after=${encodeURIComponent(next)}` : "";
    const page = await get(clinicPath(`/patients/${encodeURIComponent(id)}/timeline?show=${show}${after}`));
    list.append(...page.items.map((each) => timelineItem(each, id)));
    next = page.next;
    more.hidden = !next;
    empty.hidden = list.childElementCount > 0;
  };
  more.addEventListener("click", load);
  const choices = [["changes", "What changed something"], ["all", "Everything"]].map(([value, name]) =>
    el(
      "button",
      {
        type: "button",
        class: "chip",
        "aria-pressed": String(value === show),
        onclick: async (click) => {
          show = value;
          next = "";
          list.replaceChildren();
          choices.forEach((each) => each.setAttribute("aria-pressed", String(each === click.currentTarget)));
          await load();
        },
      },
      name,
    ),
  );
  await load();
  return el(
    "section",
    { class: "history" },
    el("h2", {}, "Timeline"),
    el("div", { class: "filters" }, el("div", { class: "chips" }, choices)),
    list,
    empty,
    more,
  );
}

function timelineItem(item, patient) {
  return el(
    "li",
    { class: item.kind },
    el("div", { class: "when" }, day(item.occurred_at)),
    el(
      "div",
      { class: "what" },
      el("p", { class: "told" }, el("b", {}, item.title), item.summary ? ` ${item.summary}` : null, late(item)),
      item.note ? el("blockquote", {}, item.note) : null,
      item.decisions.length
        ? el("ul", { class: "decisions" }, item.decisions.map((each) => decisionLine(each, patient)))
        : null,
      item.answered ? null : el("p", { class: "quiet" }, "Not answered yet."),
    ),
  );
}

function late(item) {
  return item.late ? [" ", el("small", { class: "tag" }, "told late, ", day(item.recorded_at))] : null;
}

function decisionLine(decision, patient) {
  return el(
    "li",
    { class: decision.weight },
    link(`/patients/${patient}/decisions/${decision.id}`, typeName(decision.type)),
    decision.side ? el("small", {}, ` ${decision.side}`) : null,
    el("span", {}, ` ${decision.sentence}`),
  );
}
