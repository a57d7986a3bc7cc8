// The map: an outline of our own and the points of the page's list on it. Nothing is fetched from anywhere else.
// Everything it says stands in the list as well; text is only ever set as text.

import { REM, about, icon, listed, said, tell } from "./map-marks.js";
import { fitNames, nameTowns } from "./map-names.js";
import { clusters } from "./map-parts.js";

const box = document.getElementById("map");
const words = box.dataset;
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const ARROWS = { ArrowUp: [0, -80], ArrowDown: [0, 80], ArrowLeft: [-80, 0], ArrowRight: [80, 0] };
// An opened point keeps clear of the buttons at the edge.
const ROOM = { autoPanPaddingTopLeft: [10, 10], autoPanPaddingBottomRight: [66, 30], maxWidth: 260 };
const markers = new Map();
let towns = [];
let points = [];
let map;
let started;
let lit = {};

function start() {
  started ??= draw().catch((error) => {
    box.textContent = words.failed;
    box.classList.add("map-failed");
    console.warn(error);
  });
  return started;
}

async function json(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} ${address}`);
  return answer.json();
}

function added(element) {
  return new Promise((resolve, reject) => {
    element.addEventListener("load", resolve);
    element.addEventListener("error", () => reject(new Error(element.src ?? element.href)));
    document.head.append(element);
  });
}

async function draw() {
  const [base] = await Promise.all([
    json(words.base),
    added(Object.assign(document.createElement("script"), { src: words.leaflet })),
    added(Object.assign(document.createElement("link"), { rel: "stylesheet", href: words.style })),
  ]);
  const touch = matchMedia("(pointer: coarse)").matches;
  box.replaceChildren();
  map = L.map(box, {
    attributionControl: false,
    zoomControl: false,
    // One finger scrolls the page, two move the map; the wheel zooms once the map has been chosen.
    dragging: !touch,
    scrollWheelZoom: false,
    minZoom: 3,
    maxZoom: 11,
    zoomSnap: 0.25,
    zoomAnimation: !calm,
    // What has been opened can be read at once: text that fades in is too faint for a while.
    fadeAnimation: false,
    markerZoomAnimation: !calm,
    maxBounds: [[50, -8], [73, 42]],
    maxBoundsViscosity: 0.7,
  });
  L.control.zoom({ position: "topright", zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut }).addTo(map);
  L.control.attribution({ prefix: false }).addAttribution(escape(words.source)).addTo(map);
  const classes = { sweden: "land-sweden", neighbours: "land-neighbours", lakes: "lakes" };
  L.geoJSON(base, {
    interactive: false,
    style: (feature) => ({ className: classes[feature.properties.role], smoothFactor: 0.6 }),
  }).addTo(map);
  towns = nameTowns(map, JSON.parse(words.seats));
  points = listed();
  look();
  place();
  map.on("zoomend", place);
  map.on("moveend", names);
  listen();
  box.dataset.ready = "";
}

// The whole of what is shown, or the one point that the page is about with what is near it.
function look() {
  const chosen = points.find((point) => point.id === words.focus);
  const tall = box.clientHeight > 1.4 * box.clientWidth;
  const many = new Set(points.map((point) => point.municipality)).size > 2;
  const calmly = { animate: false };
  if (chosen) map.fitBounds(L.latLngBounds([...points.map((point) => point.at), ...near(chosen)]), { padding: [60, 60], maxZoom: 7, ...calmly });
  else if (!points.length || (tall && many)) map.fitBounds([[55.2, 11], [69.1, 24.2]], calmly);
  else map.fitBounds(L.latLngBounds(points.map((point) => point.at)), { padding: [50, 50], maxZoom: points.length > 1 ? 9 : 8, ...calmly });
}

// The nearest town, so that a single point is not a mark on an empty sheet.
function near(chosen) {
  const far = (town) => map.distance(town.getLatLng(), chosen.at);
  return [...towns].sort((one, other) => far(one) - far(other)).slice(0, 1).map((town) => town.getLatLng());
}

// Points that would lie on each other at this scale stand as one mark with their number.
function place() {
  const active = document.activeElement;
  const focused = box !== active && box.contains(active) && [...markers.entries()].find(([, one]) => one.getElement() === active)?.[0];
  const open = [...markers.entries()].find(([, marker]) => marker.isPopupOpen())?.[0];
  const inside = box !== active && box.contains(active);
  for (const marker of new Set(markers.values())) marker.remove();
  markers.clear();
  for (const group of clusters(points, (point) => map.project(point.at), { reach: 46 * REM, alone: words.focus })) {
    const marker = put(group);
    for (const point of group) markers.set(point.id, marker);
  }
  names();
  if (open) markers.get(open)?.openPopup();
  // A mark that had the focus is gone: its point has it now, else the map.
  if (focused) markers.get(focused)?.getElement().focus({ preventScroll: true });
  if (inside && !box.contains(document.activeElement)) box.focus({ preventScroll: true });
}

function put(group) {
  const bounds = L.latLngBounds(group.map((point) => point.at));
  const marker = L.marker(bounds.getCenter(), { icon: icon(group), keyboard: true, riseOnHover: true }).addTo(map);
  marker.group = group;
  const apart = group.length > 1 && !bounds.getNorthEast().equals(bounds.getSouthWest());
  if (apart && map.getZoom() < map.getMaxZoom()) marker.on("click", () => enter(group, bounds));
  else marker.bindPopup(() => about(group), ROOM);
  if (group[0].id === words.focus) marker.getElement().classList.add("is-chosen");
  tell(marker, words);
  return marker;
}

function enter(group, bounds) {
  const byKeyboard = markers.get(group[0].id).getElement() === document.activeElement;
  map.fitBounds(bounds, { padding: [60, 60], maxZoom: map.getMaxZoom() });
  if (byKeyboard) map.once("moveend", () => markers.get(group[0].id)?.getElement().focus({ preventScroll: true }));
}

function names() {
  fitNames(map, [...new Set(markers.values())], towns);
}

function escape(text) {
  return Object.assign(document.createElement("i"), { textContent: text }).innerHTML;
}

function listen() {
  map.on("focus click", () => map.scrollWheelZoom.enable());
  map.on("blur mouseout", () => map.scrollWheelZoom.disable());
  map.on("popupopen", ({ popup }) => {
    popup.getElement().querySelector(".leaflet-popup-close-button")?.setAttribute("aria-label", words.close);
  });
  box.addEventListener("keydown", keys);
  for (const name of ["pointerover", "focusin"]) document.addEventListener(name, ({ target }) => light(target));
}

function keys(event) {
  const mark = event.target.closest(".mark");
  if (event.key === "Escape") {
    const open = [...markers.values()].find((marker) => marker.isPopupOpen());
    map.closePopup();
    open?.getElement().focus();
  } else if (mark && ARROWS[event.key]) {
    event.preventDefault();
    map.panBy(ARROWS[event.key], { animate: !calm });
  } else if (mark && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    const marker = [...markers.values()].find((one) => one.getElement() === mark);
    marker.fire("click");
    // What was opened by key is read by key: on to its link, and Escape leads back.
    if (marker.isPopupOpen()) marker.getPopup().getElement().querySelector(".popup-name a, a")?.focus();
  }
}

// List and map know each other: pointing at a point in one lights it up in the other.
function light(target) {
  const row = target.closest?.(".point[data-point]")?.dataset.point;
  const mark = target.closest?.(".mark");
  if (lit.row === row && lit.mark === mark) return;
  lit = { row, mark };
  for (const marker of new Set(markers.values())) {
    const shown = marker.getElement() === mark ? marker.group : [];
    marker.getElement().classList.toggle("is-lit", Boolean(row) && marker === markers.get(row));
    for (const point of marker.group) point.place.classList.toggle("is-lit", shown.includes(point) && point.place.matches(".point"));
  }
}

async function show(id) {
  await start();
  const point = points.find((one) => one.id === id);
  if (!point || !map) return;
  box.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  const zoom = Math.max(map.getZoom(), 9);
  const moves = map.getZoom() !== zoom || !map.getCenter().equals(L.latLng(point.at), 0.01);
  if (moves) map.once("moveend", () => markers.get(id)?.openPopup());
  else markers.get(id)?.openPopup();
  map.setView(point.at, zoom, { animate: !calm });
}

// A button shows a point on the map, and fetches the map if it is not there yet.
function offer() {
  for (const button of document.querySelectorAll("[data-show]")) button.hidden = false;
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-show]");
  if (button) show(button.dataset.show);
});

document.addEventListener("bypunkt:point", ({ detail: id }) => {
  const point = points.find((one) => one.id === id);
  if (!point) return;
  Object.assign(point, said(point.place));
  if (markers.has(id)) tell(markers.get(id), words);
});

// The list is another one: the same points, whose marks stay with the focus on them, or others to look at.
document.addEventListener("bypunkt:fresh", () => {
  offer();
  if (!map) return;
  const before = points.map((point) => point.id).join();
  points = listed();
  if (points.map((point) => point.id).join() === before) {
    const now = new Map(points.map((point) => [point.id, point]));
    for (const marker of new Set(markers.values())) {
      marker.group.forEach((point, place) => { marker.group[place] = now.get(point.id); });
      tell(marker, words);
    }
  } else {
    look();
    place();
  }
});

offer();
// The map and its library are fetched when the map comes near the screen.
new IntersectionObserver((seen, observer) => {
  if (!seen.some((entry) => entry.isIntersecting)) return;
  observer.disconnect();
  start();
}, { rootMargin: "400px" }).observe(box);
