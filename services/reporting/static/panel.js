// The clinic's panel: every programme, those that need somebody's eyes first.

import { clinicPath, get } from "./api.js";
import { ago, day, el, link, showTimesIn } from "./dom.js";
import { capital, CHECKPOINT, plain, PRESENTATION, STAGES, STATES, typeName, URGENCY } from "./words.js";

export async function panelView() {
  const [panel, people, lately] = await Promise.all([whole(), everybody(), get(clinicPath("/stages?limit=15"))]);
  showTimesIn(panel.zone);
  const rows = panel.programmes
    .map((each) => ({ ...each, person: people.get(each.patient) || {} }))
    .sort((a, b) => rank(a) - rank(b) || called(a).localeCompare(called(b)) || a.side.localeCompare(b.side));
  const body = el("tbody", {}, rows.map(programmeRow));
  const chosen = { text: "", state: "" };
  const empty = el("p", { class: "empty", hidden: true }, "Nothing fits.");
  const show = () => {
    let shown = 0;
    [...body.rows].forEach((row, n) => {
      row.hidden = !fits(rows[n], chosen);
      shown += row.hidden ? 0 : 1;
    });
    empty.hidden = shown > 0;
  };
  return [
    el("h1", {}, panel.name || panel.clinic),
    panel.current ? null : el("p", { class: "notice bad" }, "This panel is behind the record. ", strong()),
    redFlags(panel.red_flags, people),
    filters(rows, chosen, show),
    el(
      "table",
      { class: "panel" },
      el("caption", { class: "unseen" }, "All programmes of the clinic"),
      el("thead", {}, el("tr", {}, COLUMNS.map((name) => el("th", { scope: "col" }, name)))),
      body,
    ),
    rows.length === 0 ? el("p", { class: "empty" }, "No programmes yet.") : empty,
    changes(lately.changes, people),
  ];
}

/** All pages of the panel as one. */
async function whole() {
  const panel = await get(clinicPath("/panel?limit=500"));
  for (let next = panel.next; next; ) {
    const page = await get(clinicPath(`/panel?limit=500&after=${encodeURIComponent(next)}`));
    panel.programmes.push(...page.programmes);
    panel.current = panel.current && page.current;
    next = page.next;
  }
  return panel;
}

function redFlags(flagged, people) {
  return flagged.length
    ? el(
        "div",
        { class: "notice bad" },
        el("strong", {}, "Red flags. "),
        "Nobody loads until a clinician has looked and cleared them.",
        el("ul", {}, flagged.map((each) => el("li", {}, whose(each.patient, people), `: ${each.flags.map(plain).join(", ")}`))),
      )
    : null;
}

function changes(lately, people) {
  return lately.length
    ? el(
        "section",
        {},
        el("h2", {}, "Lately"),
        el(
          "ul",
          { class: "lately" },
          lately.map((each) =>
            el(
              "li",
              {},
              el("span", { class: "when" }, day(each.effective_at)),
              el("span", {}, whose(each.patient, people), " "),
              link(`/patients/${each.patient}/decisions/${each.id}`, typeName(each.type)),
              each.to_stage ? el("small", {}, ` Stage ${each.to_stage}`) : null,
            ),
          ),
        ),
      )
    : null;
}

function whose(patient, people) {
  return link(`/patients/${patient}`, nameOf(people.get(patient) || {}, patient));
}

const COLUMNS = ["Patient", "Tendon", "Stage", "State", "Consistent weeks", "Checkpoint", "Last input"];

function strong() {
  return el("strong", {}, "Not current: do not add load.");
}

async function everybody() {
  const people = new Map();
  let next = "";
  do {
    const page = await get(clinicPath(`/patients?limit=500${next ? `&after=${encodeURIComponent(next)}` : ""}`));
    page.patients.forEach((each) => people.set(each.patient, each));
    next = page.next;
  } while (next);
  return people;
}

function rank(row) {
  return URGENCY.indexOf(row.state) * 2 + (row.current ? 1 : 0);
}

function called(row) {
  return nameOf(row.person, row.patient);
}

export function nameOf(person, id) {
  const identifier = (person.identifiers || [])[0];
  return person.name || (identifier ? identifier.value : "") || `Patient ${id.slice(-6)}`;
}

function fits(row, chosen) {
  const wanted = chosen.text.trim().toLowerCase();
  const said = [called(row), row.patient, ...(row.person.identifiers || []).map((each) => each.value)];
  return (
    (!chosen.state || row.state === chosen.state) &&
    (!wanted || said.some((each) => each.toLowerCase().includes(wanted)))
  );
}

function filters(rows, chosen, show) {
  const buttons = ["", ...URGENCY].map((state) => {
    const count = state ? rows.filter((each) => each.state === state).length : rows.length;
    return el(
      "button",
      {
        type: "button",
        class: `chip ${state}`,
        "aria-pressed": String(state === ""),
        disabled: count === 0 && state !== "",
        onclick: (click) => {
          chosen.state = state;
          buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === click.currentTarget)));
          show();
        },
      },
      el("b", {}, count),
      ` ${state ? STATES[state] : "All"}`,
    );
  });
  const search = el("input", {
    type: "search",
    placeholder: "Find a patient",
    "aria-label": "Find a patient",
    oninput: () => {
      chosen.text = search.value;
      show();
    },
  });
  return el("div", { class: "filters" }, el("div", { class: "chips" }, buttons), search);
}

function programmeRow(row) {
  const cells = [
    el("span", {}, link(`/patients/${row.patient}`, called(row))),
    el("span", {}, capital(row.side), el("small", {}, PRESENTATION[row.presentation] || plain(row.presentation))),
    stageCell(row),
    stateCell(row),
    weeks(row),
    el("span", { class: `checkpoint ${row.checkpoint}` }, CHECKPOINT[row.checkpoint] || plain(row.checkpoint)),
    el(
      "span",
      {},
      ago(row.last_input_at),
      row.current ? null : el("small", { class: "bad" }, "Not current: do not add load"),
    ),
  ];
  return el("tr", {}, cells.map((cell, n) => el(n ? "td" : "th", { scope: n ? null : "row", "data-label": COLUMNS[n] }, cell)));
}

function stageCell(row) {
  const lower = row.loading !== null && row.loading < row.stage;
  return el(
    "span",
    {},
    el("span", { class: `stage s${row.stage}` }, row.stage),
    ` ${STAGES[row.stage]}`,
    lower ? el("small", {}, `loads as Stage ${row.loading}`) : null,
  );
}

function stateCell(row) {
  const why = row.state === "held" ? row.holds.map((each) => plain(each.kind)).join(", ") : "";
  const to = row.state === "proposed" ? `to Stage ${row.proposed}` : "";
  return el(
    "span",
    {},
    el("span", { class: `state ${row.state}` }, STATES[row.state] || plain(row.state)),
    why || to ? el("small", {}, why || to) : null,
  );
}

export function weeks(row) {
  const label = `${row.weeks} of ${row.weeks_needed} consistent weeks`;
  return el(
    "span",
    { class: "weeks" },
    el("progress", { max: row.weeks_needed, value: Math.min(row.weeks, row.weeks_needed), "aria-label": label }),
    el("small", {}, `${row.weeks} of ${row.weeks_needed}`),
  );
}
