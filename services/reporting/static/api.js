// Talks to the server. The token lives in sessionStorage only and never in an address.

const KEY = "heelrise.token";

export class Problem extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `The server answered ${status}.`);
    this.status = status;
    this.title = problem.title || "It did not work";
  }
}

/** Take the token out of `#token=…` and out of the address; the rest of the fragment stays. */
export function takeToken() {
  const fragment = new URLSearchParams(location.hash.replace(/^#/, ""));
  const token = fragment.get("token");
  if (token === null) return;
  keepToken(token);
  const to = fragment.get("to") || "/";
  history.replaceState(null, "", `${location.pathname}#${to.startsWith("/") ? to : "/"}`);
}

export function keepToken(token) {
  sessionStorage.setItem(KEY, token.trim());
}

export function dropToken() {
  sessionStorage.removeItem(KEY);
}

/** Who the token says it is; the server verifies it, the page only shows what fits. Null: nobody. */
export function principal() {
  const token = sessionStorage.getItem(KEY);
  if (!token) return null;
  try {
    const middle = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(middle), (each) => each.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return { role: claims.role, clinic: claims.clinic, patient: claims.patient, until: claims.exp * 1000 };
  } catch {
    return null;
  }
}

export async function get(path) {
  const answer = await fetch(path, {
    headers: { Authorization: `Bearer ${sessionStorage.getItem(KEY)}`, Accept: "application/json" },
    cache: "no-store",
    credentials: "omit",
  }).catch(() => {
    throw new Problem(0, { title: "No answer", detail: "The server cannot be reached. Is it running?" });
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, body);
  return body;
}

export function clinicPath(rest) {
  return `/v1/clinics/${encodeURIComponent(principal().clinic)}${rest}`;
}
