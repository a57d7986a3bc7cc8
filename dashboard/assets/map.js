// The map: an outline of our own and the points on it. Nothing is fetched from anywhere else.
// Everything it says stands in the list as well; text is only ever set as text.

import { clusters, label, worst } from "./map-parts.js";

const box = document.getElementById("map");
const words = box.dataset;
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
// An opened point keeps clear of the buttons at the edge.
const ROOM = { autoPanPaddingTopLeft: [10, 10], autoPanPaddingBottomRight: [66, 30], maxWidth: 260 };
const markers = new Map();
let points = [];
let map;

async function start() {
  try {
    const [base, found] = await Promise.all([json(words.base), json(words.points), script(words.leaflet)]);
    points = found.features.filter((feature) => feature.geometry);
    draw(base);
  } catch (error) {
    box.textContent = words.failed;
    box.classList.add("map-failed");
    console.warn(error);
  }
}

async function json(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} ${address}`);
  return answer.json();
}

function script(address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = address;
    element.addEventListener("load", resolve);
    element.addEventListener("error", () => reject(new Error(address)));
    document.head.append(element);
  });
}

function draw(base) {
  const touch = matchMedia("(pointer: coarse)").matches;
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
  name(JSON.parse(words.seats));
  map.on("focus click", () => map.scrollWheelZoom.enable());
  map.on("blur mouseout", () => map.scrollWheelZoom.disable());
  map.on("zoomend", place);
  box.addEventListener("keydown", ({ key }) => {
    const open = key === "Escape" && [...markers.values()].find((marker) => marker.isPopupOpen());
    if (!open) return;
    map.closePopup();
    open.getElement().focus();
  });
  map.on("popupopen", ({ popup }) => {
    popup.getElement().querySelector(".leaflet-popup-close-button")?.setAttribute("aria-label", words.close);
  });
  look();
  place();
  box.dataset.ready = "";
  link();
}

// Towns by name, for orientation; they stand in the list, so a screen reader need not meet them here.
function name(seats) {
  const inner = map.createPane("towns");
  inner.setAttribute("aria-hidden", "true");
  for (const [town, lat, lon] of seats) {
    const label = document.createElement("span");
    label.textContent = town;
    const icon = L.divIcon({ html: label, className: "town", iconSize: [0, 0] });
    L.marker([lat, lon], { icon, pane: "towns", interactive: false, keyboard: false }).addTo(map);
  }
}

// The whole of what is shown, or the one point that the page is about.
function look() {
  const chosen = points.find((point) => point.id === words.focus);
  const tall = box.clientHeight > 1.4 * box.clientWidth;
  const many = new Set(points.map((point) => point.properties.municipality)).size > 1;
  if (chosen) map.setView(at(chosen), 7.5, { animate: false });
  else if (!points.length || (tall && many)) map.fitBounds([[55.2, 11], [69.1, 24.2]], { animate: false });
  else map.fitBounds(L.latLngBounds(points.map(at)), { padding: [40, 40], maxZoom: points.length > 1 ? 9 : 8, animate: false });
}

// Points that would lie on each other at this scale stand as one mark with their number.
function place() {
  box.toggleAttribute("data-near", map.getZoom() >= 6.5);
  const focused = box !== document.activeElement && box.contains(document.activeElement);
  const open = [...markers.entries()].find(([, marker]) => marker.isPopupOpen?.())?.[0];
  for (const marker of new Set(markers.values())) marker.remove();
  markers.clear();
  for (const group of clusters(points, (point) => map.project(at(point)), words.focus)) {
    const marker = group.length === 1 ? single(group[0]) : many(group);
    for (const point of group) markers.set(point.id, marker);
  }
  if (open) markers.get(open)?.openPopup();
  // A mark that had the focus may be gone: the keyboard stays in the map.
  if (focused && !box.contains(document.activeElement)) box.focus({ preventScroll: true });
}

function single(point) {
  const marker = mark(at(point), shape(point.properties.state));
  marker.group = [point];
  marker.bindPopup(() => about([point]), ROOM);
  if (point.id === words.focus) marker.getElement().classList.add("is-chosen");
  tell(marker);
  return marker;
}

function many(group) {
  const bounds = L.latLngBounds(group.map(at));
  const inside = document.createElement("span");
  inside.textContent = String(group.length);
  const marker = mark(bounds.getCenter(), inside, "mark-many");
  marker.group = group;
  tell(marker);
  const deepest = map.getZoom() >= map.getMaxZoom();
  if (deepest || bounds.getNorthEast().equals(bounds.getSouthWest())) marker.bindPopup(() => about(group), ROOM);
  else marker.on("click keypress", () => map.fitBounds(bounds, { padding: [60, 60], maxZoom: map.getMaxZoom() }));
  return marker;
}

// Says on a mark what is the case now; the mark itself stays, and so does the focus on it.
function tell(marker) {
  const [{ properties: first }, ...more] = marker.group;
  const element = marker.getElement();
  const name = more.length ? label(marker.group, words.many) : `${first.name}: ${first.state_text}`;
  element.setAttribute("aria-label", name);
  element.dataset.state = worst(marker.group);
  element.querySelector("use")?.setAttribute("href", `#state-${first.state}`);
  const state = element.querySelector(".state");
  if (state) state.dataset.state = first.state;
  if (marker.isPopupOpen()) marker.getPopup().update();
}

function mark(where, content, extra = "") {
  const size = extra ? 38 : 30;
  const icon = L.divIcon({ html: content, className: `mark ${extra}`, iconSize: [size, size], popupAnchor: [0, -12] });
  return L.marker(where, { icon, keyboard: true, riseOnHover: true }).addTo(map);
}

function shape(state) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#state-${state}`);
  svg.append(use);
  svg.setAttribute("class", "shape");
  svg.setAttribute("aria-hidden", "true");
  const span = document.createElement("span");
  span.className = "state";
  span.dataset.state = state;
  span.append(svg);
  return span;
}

function about(group) {
  const list = document.createElement("div");
  for (const { properties, id } of group) {
    const link = document.createElement("a");
    link.textContent = properties.name;
    link.href = `/p/${encodeURIComponent(id)}${location.search.includes("lang=") ? `?lang=${document.documentElement.lang}` : ""}`;
    const title = document.createElement("p");
    title.className = "popup-name";
    title.append(link);
    const state = document.createElement("p");
    state.append(shape(properties.state), ` ${properties.state_text}`);
    list.append(title, state);
    if (properties.opening_text) list.append(Object.assign(document.createElement("p"), { textContent: properties.opening_text }));
  }
  return list;
}

function at(point) {
  const [lon, lat] = point.geometry.coordinates;
  return L.latLng(lat, lon);
}

function escape(text) {
  return Object.assign(document.createElement("i"), { textContent: text }).innerHTML;
}

// List and map know each other: a button shows a point on the map, and pointing at one lights up the other.
function link() {
  for (const button of document.querySelectorAll("[data-show]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const point = points.find((one) => one.id === button.dataset.show);
      if (!point) return;
      box.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
      map.setView(at(point), Math.max(map.getZoom(), 9), { animate: !calm });
      map.once("moveend", () => markers.get(point.id)?.openPopup());
      if (map.getBounds().contains(at(point))) markers.get(point.id)?.openPopup();
    });
  }
  for (const item of document.querySelectorAll(".point[data-point]")) {
    const light = (on) => markers.get(item.dataset.point)?.getElement()?.classList.toggle("is-lit", on);
    item.addEventListener("pointerenter", () => light(true));
    item.addEventListener("pointerleave", () => light(false));
  }
}

document.addEventListener("bypunkt:point", ({ detail }) => {
  const point = points.find((one) => one.id === detail.id);
  if (!point) return;
  const before = point.properties;
  if (before.state === detail.state && before.state_text === detail.text) return;
  Object.assign(before, { state: detail.state, state_text: detail.text, since: detail.since });
  if (markers.has(point.id)) tell(markers.get(point.id));
});

// The map and its library are fetched when the map comes near the screen.
new IntersectionObserver((seen, observer) => {
  if (!seen.some((entry) => entry.isIntersecting)) return;
  observer.disconnect();
  start();
}, { rootMargin: "400px" }).observe(box);
