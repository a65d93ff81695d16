// How a programme got where it is: stages over time as a line of steps, holds as bands under it.

import { el, svg } from "./dom.js";

const WIDTH = 520;
const HEIGHT = 132;
const LEFT = 26;
const TOP = 8;
const STEP = 24;
const FOOT = 24;
const MONTH = new Intl.DateTimeFormat(undefined, { month: "short" });

export function chart(programme) {
  const moves = programme.moves;
  if (moves.length === 0) return null;
  const start = Date.parse(moves[0].at);
  const end = Math.max(Date.parse(programme.until), start + 7 * 86400e3);
  const x = (instant) => LEFT + ((Date.parse(instant) - start) / (end - start)) * (WIDTH - LEFT - 8);
  const y = (stage) => TOP + (4 - stage) * STEP + STEP / 2;
  const points = [];
  let before = null;
  for (const move of moves) {
    if (before !== null) points.push(`${x(move.at)},${y(before)}`);
    points.push(`${x(move.at)},${y(move.stage)}`);
    before = move.stage;
  }
  points.push(`${x(programme.until)},${y(before)}`);
  const words = moves.map((each) => `Stage ${each.stage} from ${each.at.slice(0, 10)}`).join(", ");
  return el(
    "figure",
    { class: "chart" },
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${words}.` },
      [1, 2, 3, 4].map((stage) => [
        svg("line", { class: "grid", x1: LEFT, x2: WIDTH - 8, y1: y(stage), y2: y(stage) }),
        svg("text", { class: "axis", x: 8, y: y(stage) + 4 }, stage),
      ]),
      programme.stops.map((stop) => band(stop, x, programme.until)),
      months(start, end).map((first) => [
        svg("line", { class: "grid", x1: x(first), x2: x(first), y1: TOP, y2: HEIGHT - FOOT }),
        svg("text", { class: "axis", x: x(first) + 3, y: HEIGHT - 8 }, MONTH.format(new Date(first))),
      ]),
      svg("polyline", { class: "way", points: points.join(" ") }),
      moves.map((each) => svg("circle", { class: "move", cx: x(each.at), cy: y(each.stage), r: 3.5 }, title(each.word))),
    ),
    el("figcaption", {}, keys(programme.stops)),
  );
}

function keys(stops) {
  const held = stops.some((each) => each.kind === "hold");
  const stopped = stops.some((each) => each.kind !== "hold");
  return [
    held ? [el("span", { class: "key hold" }), " on hold "] : null,
    stopped ? [el("span", { class: "key stop" }), " no loading"] : null,
  ];
}

function band(stop, x, until) {
  const from = x(stop.from);
  const width = Math.max(x(stop.to || until) - from, 2);
  const kind = stop.kind === "hold" ? "hold" : "stop";
  return svg("rect", { class: kind, x: from, y: TOP, width, height: HEIGHT - FOOT - TOP }, title(stop.word));
}

function title(text) {
  return svg("title", {}, text);
}

function months(start, end) {
  const firsts = [];
  const date = new Date(start);
  for (let month = 1; firsts.length < 24; month += 1) {
    const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + month, 1);
    if (first >= end) break;
    firsts.push(new Date(first).toISOString());
  }
  return firsts;
}
