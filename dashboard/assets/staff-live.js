// Keeps a staff page current: states, events, connected clients and our own sight, as they happen.
// The page is complete without this; here only what has changed is written, always as text.

const page = document.getElementById("live");
const lang = document.documentElement.lang === "en" ? "en" : "sv";
const locale = lang === "en" ? "en-GB" : "sv-SE";
const zone = "Europe/Stockholm";
const clock = new Intl.DateTimeFormat("sv-SE", { hour: "2-digit", minute: "2-digit", timeZone: zone });
const precise = new Intl.DateTimeFormat("sv-SE", { timeStyle: "medium", timeZone: zone });
const dayMonth = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: zone });
const dayKey = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeZone: zone });
const relative = new Intl.RelativeTimeFormat(lang);
const number = new Intl.NumberFormat(locale);
const inOrder = new Intl.Collator("sv").compare;
const MARKS = { up: "working", degraded: "partly", down: "down", blind: "unknown" };
// As the server counts (CLDR): the largest unit that fits, rounded.
const UNITS = [
  ["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400],
  ["hour", 3_600], ["minute", 60], ["second", 1],
];
const MOST_EVENTS = 30;
const LONGEST_WAIT = 60_000;
// A device that speaks of something this long ago is catching up: no sign that it is alive now.
const TIMELY = 60_000;

const line = document.getElementById("live-line");
const sight = document.getElementById("sight");
const blind = new Set((sight?.dataset.blind ?? "").split(" ").filter(Boolean));
// What stands on the page is counted anew when a state changes; while one looks for something, only what was found.
let stream = null;
let again = 0;
let wait = 2_000;
let told = "";
let frame = 0;
let currentUntil = null;

function follow() {
  clearTimeout(again);
  stream?.close();
  const address = new URL(page.dataset.live, location.href);
  if (told) address.searchParams.set("since", told);
  address.searchParams.set("lang", lang);
  stream = new EventSource(address);
  const on = (name, show) =>
    stream.addEventListener(name, (event) => {
      told = event.lastEventId || told;
      show(JSON.parse(event.data));
    });
  stream.addEventListener("open", () => {
    wait = 2_000;
    currentUntil = null;
    say("live");
  });
  on("device", showDevice);
  on("event", showEvent);
  on("usage", showUsage);
  on("sight", showSight);
  stream.addEventListener("error", () => {
    // Until now the page was kept current; it says so for as long as it is not.
    currentUntil ??= new Date();
    say("stale");
    // The browser tries again by itself, except after an answer that was not a stream.
    if (stream.readyState === EventSource.CLOSED) askWhy(address);
  });
}

async function askWhy(address) {
  const answer = await fetch(address, { method: "HEAD" }).catch(() => null);
  if (answer && (answer.status === 401 || answer.status === 403)) {
    say("ended");
    return;
  }
  again = setTimeout(follow, wait * (0.75 + Math.random() / 2));
  wait = Math.min(wait * 2, LONGEST_WAIT);
}

function say(what) {
  const text = line.dataset[what].replace("%(clock)s", currentUntil ? stamp(currentUntil) : "");
  if (line.textContent !== text) line.textContent = text;
  line.dataset.is = what;
}

function rowsOf(device) {
  return document.querySelectorAll(`[data-device="${CSS.escape(device)}"]`);
}

function part(place, name) {
  return place.querySelector(`[data-part="${name}"]`);
}

function showDevice(device) {
  const mark = MARKS[device.state];
  if (!mark) return;
  for (const row of rowsOf(device.device)) {
    // What was missed and what is new may cross on the way: the newer one stays.
    if (Number(row.dataset.revision) > device.revision) continue;
    row.dataset.revision = device.revision;
    const state = part(row, "state").querySelector(".state");
    const changed = state.dataset.state !== mark;
    state.dataset.state = mark;
    state.querySelector("use").setAttribute("href", `#state-${mark}`);
    state.querySelector(".state-text").textContent = device.words.state;
    part(row, "reason").textContent = device.words.reason;
    setTime(part(row, "since"), device.since);
    setHeard(row, device.last_sign_at);
    if (row.dataset.state) row.dataset.state = mark;
    if (row.dataset.counts) row.dataset.counts = device.state;
    row.querySelector(".hand-since")?.removeAttribute("hidden");
    for (const advice of row.querySelectorAll("[data-advice]")) advice.hidden = advice.dataset.advice !== device.reason;
    // Of a device that is not heard nobody knows how many are connected now.
    if (mark === "down" || mark === "unknown") showClients(row, null);
    if (changed) flash(row);
    tellMap(row.closest("[data-point]"));
  }
  askForHand(device);
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(countStates);
}

// A point is on the map as its worst device is; which of its rows that is may have changed.
function tellMap(point) {
  if (!point) return;
  const found = new Set([...point.querySelectorAll(".state")].map((state) => state.dataset.state));
  const worst = ["down", "partly", "unknown", "working"].find((mark) => found.has(mark));
  if (point.dataset.state === worst) return;
  point.dataset.state = worst;
  document.dispatchEvent(new CustomEvent("bypunkt:point", { detail: point.dataset.point }));
}

// What newly needs a hand is put last; what no longer does stays in its row and says so: nothing moves under a finger.
function askForHand(device) {
  const list = document.getElementById("hands");
  const row = document.querySelector(`tr[data-watched][data-device="${CSS.escape(device.device)}"]`);
  const needed = device.state === "down" || device.state === "degraded" || device.reason === "never_seen";
  if (!list || !row || !needed || list.querySelector(`[data-device="${CSS.escape(device.device)}"]`)) return;
  const hand = document.importNode(document.getElementById("hand-row").content.firstElementChild, true);
  hand.dataset.device = device.device;
  hand.dataset.revision = device.revision;
  hand.dataset.state = MARKS[device.state];
  const link = part(hand, "link");
  const address = new URL(link.href);
  address.pathname += encodeURIComponent(device.device);
  link.href = address;
  link.textContent = device.device;
  part(hand, "place").textContent = row.dataset.place;
  part(hand, "state").replaceChildren(part(row, "state").firstElementChild.cloneNode(true));
  part(hand, "reason").textContent = device.words.reason;
  setTime(part(hand, "since"), device.since);
  list.append(hand);
  document.getElementById("calm").hidden = true;
}

function countStates() {
  for (const total of document.querySelectorAll("[data-count]")) {
    const { count, of } = total.dataset;
    const within = of ? `[data-municipality="${CSS.escape(of)}"]` : "";
    const found = document.querySelectorAll(`[data-counts="${count}"]${within}`).length;
    part(total, "number").textContent = number.format(found);
    if (of) total.classList.toggle("none", found === 0);
    else total.hidden = found === 0;
  }
}

function showEvent(event) {
  if (new Date(event.received_at) - new Date(event.at) < TIMELY) {
    for (const row of rowsOf(event.device)) setHeard(row, event.received_at);
  }
  if (page.dataset.only && page.dataset.only !== event.device) return;
  const body = document.querySelector("#events tbody");
  const row = document.importNode(document.getElementById("event-row").content.firstElementChild, true);
  setTime(part(row, "at"), event.at, precise);
  part(row, "words").textContent = event.words;
  part(row, "type")?.replaceChildren(event.type);
  const link = part(row, "device");
  if (link) {
    const address = new URL(link.href);
    address.pathname += encodeURIComponent(event.device);
    link.href = address;
    link.textContent = event.device;
  }
  body.querySelector(".nothing")?.remove();
  body.prepend(row);
  while (body.rows.length > MOST_EVENTS) body.lastElementChild.remove();
}

function showUsage(usage) {
  for (const row of rowsOf(usage.device)) showClients(row, usage.clients);
}

function showClients(row, clients) {
  const place = part(row, "clients");
  if (!place) return;
  place.textContent = clients === null ? "–" : number.format(clients);
  if (clients === null) delete place.dataset.clients;
  else place.dataset.clients = clients;
  const total = document.getElementById("connected");
  if (!total) return;
  const known = [...document.querySelectorAll("[data-clients]")];
  part(total, "number").textContent = number.format(known.reduce((sum, one) => sum + Number(one.dataset.clients), 0));
  total.hidden = known.length === 0;
}

function showSight(news) {
  if (!sight) return;
  if (news.seeing) blind.delete(String(news.lane));
  else blind.add(String(news.lane));
  const names = JSON.parse(sight.dataset.names);
  const affected = [...blind].flatMap((lane) => names[lane] ?? []);
  const everywhere = affected.length > 1 && affected.length === Object.values(names).flat().length;
  part(sight, "names").textContent = everywhere ? sight.dataset.everywhere : affected.sort(inOrder).join(", ");
  if (!news.seeing && news.seen_until) setTime(part(sight, "until"), news.seen_until);
  sight.hidden = affected.length === 0;
}

function setTime(time, instant, exactness = clock) {
  time.dateTime = instant;
  time.textContent = stamp(new Date(instant), exactness);
}

function setHeard(row, instant) {
  const time = part(row, "last_sign_at");
  if (!time || (time.dateTime && new Date(time.dateTime) >= new Date(instant))) return;
  time.dateTime = instant;
  time.title = stamp(new Date(instant));
  time.textContent = ago(new Date(instant));
}

function stamp(moment, exactness = clock) {
  const at = exactness.format(moment);
  return dayKey.format(moment) === dayKey.format(new Date()) ? at : `${dayMonth.format(moment)} ${at}`;
}

function ago(moment) {
  const seconds = Math.max(1, Math.floor((Date.now() - moment) / 1000));
  const [unit, length] = UNITS.find(([, size]) => seconds >= size);
  return relative.format(-Math.round(seconds / length), unit);
}

function flash(row) {
  row.classList.remove("just-changed");
  requestAnimationFrame(() => row.classList.add("just-changed"));
}

function refreshAgo() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    if (time.dateTime) time.textContent = ago(new Date(time.dateTime));
  }
}

follow();
addEventListener("pagehide", () => {
  clearTimeout(again);
  stream.close();
});
// The browser may have kept the page for whoever comes back: the stream goes on where it was.
addEventListener("pageshow", ({ persisted }) => persisted && follow());
setInterval(refreshAgo, 5_000);
