// Keeps the states on an open public page current, and says so when it cannot.
// The stream tells every point's state when it opens, so nothing that was missed stays missed.

import { follow as keepFresh, refresh } from "./fresh.js";

const lang = document.documentElement.lang === "en" ? "en" : "sv";
const clock = new Intl.DateTimeFormat("sv-SE", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Stockholm" });
const digits = new Intl.NumberFormat(lang === "en" ? "en-GB" : "sv-SE");
const STATES = new Set(["working", "partly", "down", "unknown"]);
const LONGEST_WAIT = 60_000;

let stream = null;
let heardAt = null;
let wait = 2_000;
let again = 0;
let frame = 0;

function follow() {
  clearTimeout(again);
  stream?.close();
  stream = new EventSource(address());
  stream.addEventListener("open", () => {
    wait = 2_000;
    heardAt = new Date();
    say("live", asOf()?.dataset.now);
  });
  stream.addEventListener("point", (event) => {
    heardAt = new Date();
    show(JSON.parse(event.data));
  });
  stream.addEventListener("error", ({ target }) => {
    if (heardAt) say("stale", `${asOf()?.dataset.lost} ${clock.format(heardAt)}.`);
    // The browser tries again by itself, except after an answer that was not a stream.
    if (target !== stream || stream.readyState !== EventSource.CLOSED) return;
    again = setTimeout(follow, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  });
}

function asOf() {
  return document.getElementById("as-of");
}

function address() {
  const wanted = new URLSearchParams();
  const municipality = new URLSearchParams(location.search).get("municipality");
  const point = document.querySelector("article[data-point]")?.dataset.point;
  if (municipality) wanted.set("municipality", municipality);
  // Around one point the neighbours are shown as well.
  if (point && document.querySelectorAll("[data-point]").length === 1) wanted.set("point", point);
  return `/live?${wanted}`;
}

function say(what, text) {
  const line = asOf();
  if (!line || !text) return;
  line.dataset.is = what;
  if (line.textContent !== text) line.textContent = text;
}

function show(point) {
  if (!STATES.has(point.state)) return;
  const text = lang === "en" ? point.text_en : point.text_sv;
  let told = false;
  for (const place of document.querySelectorAll("[data-point]")) {
    if (place.dataset.point === point.id) told = paint(place, point, text) || told;
  }
  if (!told) return;
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(count);
  document.dispatchEvent(new CustomEvent("bypunkt:point", { detail: point.id }));
}

function paint(place, point, text) {
  const mark = place.querySelector(".state");
  const changed = place.dataset.state !== point.state || mark.querySelector(".state-text").textContent !== text;
  if (!changed) return false;
  place.dataset.state = point.state;
  mark.dataset.state = point.state;
  mark.querySelector("use").setAttribute("href", `#state-${point.state}`);
  mark.querySelector(".state-text").textContent = text;
  const since = place.querySelector("[data-since]");
  if (since && point.since && since.dateTime !== point.since) {
    since.dateTime = point.since;
    since.textContent = clock.format(new Date(point.since));
  }
  const advice = place.querySelector("[data-advice]");
  if (advice) {
    // What it means stands in other words now; the server has them.
    advice.hidden = true;
    refresh(250 + Math.random() * 1500);
  }
  place.classList.remove("just-changed");
  requestAnimationFrame(() => place.classList.add("just-changed"));
  return true;
}

function count() {
  for (const total of document.querySelectorAll("[data-count]")) {
    const number = document.querySelectorAll(`.point[data-state="${total.dataset.count}"]`).length;
    total.querySelector("[data-number]").textContent = digits.format(number);
    total.hidden = number === 0;
  }
}

follow();
// What is shown may be of another municipality now: begin again, with every state as it is.
keepFresh(follow);
addEventListener("pagehide", () => {
  clearTimeout(again);
  stream.close();
});
// The browser may have kept the page for whoever comes back, for a moment or for hours.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  follow();
  refresh(0);
});
