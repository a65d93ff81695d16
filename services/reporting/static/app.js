// Routes: `#/` the panel, `#/patients/<id>`, `#/patients/<id>/decisions/<id>`.

import { dropToken, keepToken, principal, Problem, takeToken } from "./api.js";
import { decisionView } from "./decision.js";
import { el, link } from "./dom.js";
import { panelView } from "./panel.js";
import { patientView } from "./patient.js";
import { plain } from "./words.js";

const main = document.getElementById("main");
const who = document.getElementById("who");
let drawing = 0;

function view() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
  if (parts[0] === "patients" && parts[1] && parts[2] === "decisions" && parts[3]) return decisionView(parts[1], parts[3]);
  if (parts[0] === "patients" && parts[1]) return patientView(parts[1]);
  const somebody = principal();
  return somebody.role === "patient" ? patientView(somebody.patient) : panelView();
}

async function draw() {
  takeToken();
  const mine = ++drawing;
  identity();
  if (!principal()) return show(signIn());
  main.setAttribute("aria-busy", "true");
  let content;
  try {
    content = await view();
  } catch (error) {
    content = refused(error);
  }
  if (mine === drawing) show(content);
}

function show(content) {
  main.removeAttribute("aria-busy");
  main.replaceChildren(...[content].flat().filter(Boolean));
  const heading = main.querySelector("h1");
  document.title = heading ? `${heading.textContent} · Heelrise` : "Heelrise";
  window.scrollTo(0, 0);
}

function identity() {
  const somebody = principal();
  const leave = () => {
    dropToken();
    draw();
  };
  who.replaceChildren(
    ...(somebody
      ? [
          el("span", {}, `${plain(somebody.role)}${somebody.clinic ? `, ${somebody.clinic}` : ""}`),
          el("button", { type: "button", onclick: leave }, "Sign out"),
        ]
      : []),
  );
}

function signIn(why) {
  const token = el("textarea", { id: "token", rows: 4, required: true, spellcheck: "false", autocomplete: "off" });
  const send = (event) => {
    event.preventDefault();
    keepToken(token.value);
    draw();
  };
  return el(
    "form",
    { class: "card sign-in", onsubmit: send },
    el("h1", {}, "Sign in"),
    why ? el("p", { class: "notice bad" }, why) : null,
    el("p", {}, "Paste a token. On the machine that runs Heelrise, ", el("code", {}, "heelrise token"), " prints one."),
    el("label", { for: "token" }, "Token"),
    token,
    el("button", { type: "submit", class: "primary" }, "Open"),
  );
}

function refused(error) {
  if (!(error instanceof Problem)) {
    console.error(error);
    return notice("Something went wrong", "This page has an error. The record is not touched by it.");
  }
  if (error.status === 401) {
    dropToken();
    identity();
    return signIn("The token is not valid, or no longer. Please get a new one.");
  }
  return notice(error.title, error.message);
}

function notice(title, text) {
  return [
    el("h1", {}, title),
    el("p", { class: "notice bad" }, text),
    el("p", {}, el("button", { type: "button", onclick: draw }, "Try again"), " ", link("/", "To the start")),
  ];
}

window.addEventListener("hashchange", draw);
draw();
