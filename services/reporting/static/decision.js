// One decision, explained: what was asked for, what was measured, and on which evidence.

import { clinicPath, get } from "./api.js";
import { el, link, moment, showTimesIn } from "./dom.js";
import { capital, plain, REASONS, typeName, VERDICT } from "./words.js";

const COMPARATORS = { "<=": "at most", "<": "below", ">=": "at least", ">": "above", "=": "exactly" };

export async function decisionView(patient, id) {
  const path = `/patients/${encodeURIComponent(patient)}/decisions/${encodeURIComponent(id)}`;
  const decision = await get(clinicPath(path));
  const cite = citations();
  showTimesIn(decision.zone);
  return [
    el("p", { class: "back" }, link(`/patients/${patient}`, "← The patient")),
    el("h1", {}, typeName(decision.type), decision.side ? el("small", {}, ` ${decision.side}`) : null),
    el("p", { class: "quiet" }, "In force from ", moment(decision.effective_at), ", recorded ", moment(decision.recorded_at)),
    el(
      "div",
      { class: "sentences" },
      said("To the patient", decision.plain.patient),
      said("To the clinician", decision.plain.clinician),
    ),
    el(
      "p",
      { class: "rule" },
      el("b", {}, `Rule ${decision.rule}. `),
      decision.statement,
      source(decision, cite),
    ),
    decision.criteria.length ? criteria(decision, cite) : null,
    evidence(decision),
    sources(cite),
    record(decision),
  ];
}

function said(to, sentence) {
  return sentence ? el("section", { class: "card" }, el("h2", {}, to), el("p", {}, sentence)) : null;
}

/** Numbers each source once, in the order in which it is named. */
function citations() {
  const named = [];
  const cite = (text) => {
    if (!named.includes(text)) named.push(text);
    return named.indexOf(text) + 1;
  };
  cite.named = named;
  return cite;
}

function source(of, cite) {
  return of.basis
    ? el(
        "small",
        { class: "source" },
        el("span", { class: "tag" }, of.basis),
        of.citation ? el("span", { title: of.citation }, ` [${cite(of.citation)}]`) : null,
      )
    : null;
}

function sources(cite) {
  return cite.named.length
    ? el("section", {}, el("h2", {}, "Sources"), el("ol", { class: "sources" }, cite.named.map((each) => el("li", {}, each))))
    : null;
}

function criteria(decision, cite) {
  return el(
    "section",
    {},
    el("h2", {}, "Criteria"),
    el(
      "table",
      { class: "criteria" },
      el("thead", {}, el("tr", {}, HEADS.map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, decision.criteria.map((each) => criterion(each, cite))),
    ),
  );
}

const HEADS = ["Verdict", "What is asked", "Measured", "Threshold", "Margin", "Evidence"];

function criterion(each, cite) {
  const cells = [
    el("span", { class: `verdict ${each.verdict}` }, VERDICT[each.verdict]),
    el("span", {}, each.statement || plain(each.id), source(each, cite), each.reason ? el("small", {}, REASONS[each.reason] || plain(each.reason)) : null),
    el("span", {}, quantity(each.value, each.unit && each.unit.startsWith("of ") ? null : each.unit)),
    el("span", {}, each.threshold ? `${COMPARATORS[each.comparator] || ""} ${quantity(each.threshold, each.unit)}` : "–"),
    el("span", {}, signed(each.margin)),
    inputs(each.evidence),
  ];
  return el("tr", {}, cells.map((cell, n) => el("td", { "data-label": HEADS[n] }, cell)));
}

function quantity(value, unit) {
  if (value === null || value === undefined) return "–";
  return `${exact(value)}${unit ? `${unit.startsWith("/") ? "" : " "}${plain(unit)}` : ""}`;
}

/** Ratios are recorded exactly; here they are rounded for reading. */
function exact(value) {
  const ratio = /^(-?\d+)\/(\d+)$/.exec(value);
  return ratio ? `${(Number(ratio[1]) / Number(ratio[2])).toFixed(4).replace(/\.?0+$/, "")} (${value})` : plain(value);
}

function signed(margin) {
  if (margin === null || margin === undefined) return "–";
  return margin.startsWith("-") ? `−${exact(margin.slice(1))}` : `+${exact(margin)}`;
}

function inputs(list) {
  if (!list.length) return el("span", {}, "–");
  const items = () => el("ul", { class: "evidence" }, list.map(input));
  if (list.length <= 2) return items();
  return el("details", {}, el("summary", {}, `${list.length} inputs`), items());
}

function input(each) {
  return el("li", {}, typeName(each.type), " ", moment(each.occurred_at), el("small", {}, ` no. ${each.version}`));
}

function evidence(decision) {
  return el(
    "section",
    {},
    el("h2", {}, "Rests on"),
    el("p", {}, "Answers input ", el("b", {}, `no. ${decision.answers.version}`), `: ${typeName(decision.answers.type)}, `, moment(decision.answers.occurred_at)),
    decision.due ? el("p", {}, "Fell due ", moment(decision.due)) : null,
    decision.evidence.length ? inputs(decision.evidence) : null,
    decision.would_differ_now ? el("p", {}, decision.would_differ_now.text) : null,
    decision.would_change.length
      ? [el("h3", {}, "What would have changed it"), el("ul", {}, decision.would_change.map((each) => el("li", {}, each)))]
      : null,
  );
}

function record(decision) {
  const rows = [
    ["Protocol", decision.protocol ? `${decision.protocol.id} ${decision.protocol.version}` : "–"],
    ["Protocol hash", decision.protocol ? decision.protocol.hash : "–"],
    ["Judge", decision.judge],
    ["Entry", decision.id],
    ["Place in the log", `${decision.log}, position ${decision.position}`],
    ["Leaf hash", decision.leaf_hash],
    ...Object.entries(decision.details).map(([name, value]) => [capital(plain(name)), shown(value)]),
  ];
  return el(
    "details",
    { class: "record" },
    el("summary", {}, "The record"),
    el("dl", {}, rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
  );
}

function shown(value) {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
