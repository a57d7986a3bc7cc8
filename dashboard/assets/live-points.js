// Keeps the states on an open public page current, and says so when it cannot.
// The stream tells every point's state when it opens, so nothing that was missed stays missed.

const lang = document.documentElement.lang === "en" ? "en" : "sv";
const asOf = document.getElementById("as-of");
const clock = new Intl.DateTimeFormat("sv-SE", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Stockholm" });
const STATES = new Set(["working", "partly", "down", "unknown"]);
const LONGEST_WAIT = 60_000;

let heardAt = null;
let wait = 2_000;
let frame = 0;

function follow() {
  const stream = new EventSource(address());
  stream.addEventListener("open", () => {
    wait = 2_000;
    heardAt = new Date();
    say(asOf?.dataset.now);
  });
  stream.addEventListener("point", (event) => {
    heardAt = new Date();
    show(JSON.parse(event.data));
  });
  stream.addEventListener("error", () => {
    if (heardAt) say(`${asOf?.dataset.lost} ${clock.format(heardAt)}.`);
    // The browser tries again by itself, except after an answer that was not a stream.
    if (stream.readyState !== EventSource.CLOSED) return;
    setTimeout(follow, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  });
  addEventListener("pagehide", () => stream.close(), { once: true });
}

function address() {
  const wanted = new URLSearchParams();
  const municipality = new URLSearchParams(location.search).get("municipality");
  const point = document.querySelector("article[data-point]")?.dataset.point;
  if (municipality) wanted.set("municipality", municipality);
  if (point) wanted.set("point", point);
  return `/live?${wanted}`;
}

function say(text) {
  if (asOf && text && asOf.textContent !== text) asOf.textContent = text;
}

function show(point) {
  if (!STATES.has(point.state)) return;
  const text = lang === "en" ? point.text_en : point.text_sv;
  for (const place of document.querySelectorAll("[data-point]")) {
    if (place.dataset.point === point.id) paint(place, point, text);
  }
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(count);
  document.dispatchEvent(new CustomEvent("bypunkt:point", { detail: { ...point, text } }));
}

function paint(place, point, text) {
  const changed = place.dataset.state !== point.state;
  place.dataset.state = point.state;
  for (const mark of place.querySelectorAll(".state")) {
    mark.dataset.state = point.state;
    mark.querySelector("use").setAttribute("href", `#state-${point.state}`);
    mark.querySelector(".state-text").textContent = text;
  }
  const since = place.querySelector("[data-since]");
  if (since && point.since && since.dateTime !== point.since) {
    since.dateTime = point.since;
    since.textContent = clock.format(new Date(point.since));
  }
  if (changed) {
    place.classList.remove("just-changed");
    requestAnimationFrame(() => place.classList.add("just-changed"));
  }
}

function count() {
  for (const total of document.querySelectorAll("[data-count]")) {
    const number = document.querySelectorAll(`.point[data-state="${total.dataset.count}"]`).length;
    total.querySelector("[data-number]").textContent = String(number);
    total.hidden = number === 0;
  }
}

follow();
