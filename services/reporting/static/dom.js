// Builds elements. Everything that comes from outside becomes a text node or an attribute that was
// named here: nothing is ever parsed as HTML.

/** `el("p", {class: "x", onclick: f}, "text", child)`; null and false children are left out. */
export function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : isolated(String(child)));
  }
  return node;
}

// Bidirectional controls in what somebody typed must not turn the words around it.
function isolated(text) {
  return document.createTextNode(/[\u202a-\u202e\u2066-\u2069]/.test(text) ? `\u2068${text}\u2069` : text);
}

export function link(to, ...children) {
  return el("a", { href: `#${to}` }, ...children);
}

const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const DAY = { day: "numeric", month: "short", year: "numeric" };
const MOMENT = { weekday: "short", ...DAY, hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
let days;
let moments;

/** Days and times are shown in the clinic's zone, wherever the reader is. */
export function showTimesIn(zone) {
  days = new Intl.DateTimeFormat(undefined, { ...DAY, timeZone: zone });
  moments = new Intl.DateTimeFormat(undefined, { ...MOMENT, timeZone: zone });
}

showTimesIn(undefined);

export function day(instant) {
  const date = new Date(instant);
  return el("time", { datetime: instant, title: moments.format(date) }, days.format(date));
}

export function moment(instant) {
  return el("time", { datetime: instant }, moments.format(new Date(instant)));
}

export function ago(instant) {
  if (!instant) return "never";
  const seconds = (new Date(instant) - Date.now()) / 1000;
  const steps = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const [unit, size] = steps.find(([, length]) => Math.abs(seconds) >= length) || ["minute", 60];
  const text = AGO.format(Math.round(seconds / size), unit);
  return el("time", { datetime: instant, title: moments.format(new Date(instant)) }, text);
}
