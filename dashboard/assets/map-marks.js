// The marks of the map and what they say. Everything comes from the page's own list, and is set as text.

import { label, worst } from "./map-parts.js";

// A screen on a wall has larger letters, and so larger marks.
export const REM = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
const TALL = 44 * REM;

// The points that the page lists, as they stand there now.
export function listed() {
  return [...document.querySelectorAll("[data-point][data-lat]")].map((place) => ({
    id: place.dataset.point,
    at: [Number(place.dataset.lat), Number(place.dataset.lon)],
    ...said(place),
  }));
}

export function said(place) {
  const name = place.querySelector("h1, h3, [data-name]");
  return {
    place,
    name: name.textContent.trim(),
    href: place.dataset.href ?? name.querySelector("a")?.getAttribute("href"),
    village: place.dataset.village ?? "",
    municipality: place.closest(".village")?.querySelector("h2").textContent ?? "",
    state: place.dataset.state,
    text: place.querySelector(".state-text").textContent,
    opening: place.querySelector(".opening")?.textContent ?? "",
  };
}

export function icon(group) {
  const content = group.length > 1 ? many(group) : one(group[0]);
  const wide = group.length > 1 ? 60 * REM : TALL;
  const extra = group.length > 1 ? "mark-many" : "mark-one";
  return L.divIcon({ html: content, className: `mark ${extra}`, iconSize: [wide, TALL], popupAnchor: [0, -12 * REM] });
}

function one(point) {
  const inside = document.createElement("span");
  inside.append(shape(point.state));
  if (point.village) {
    const name = document.createElement("span");
    name.className = "mark-name is-crowded";
    name.setAttribute("aria-hidden", "true");
    name.textContent = point.village;
    inside.append(name);
  }
  return inside;
}

function many(group) {
  const inside = document.createElement("span");
  inside.className = "group";
  inside.append(shape(worst(group)), String(group.length));
  return inside;
}

// Says on a mark what is the case now; the mark itself stays, and so does the focus on it.
export function tell(marker, words) {
  const [first, ...more] = marker.group;
  const element = marker.getElement();
  const state = worst(marker.group);
  element.setAttribute("aria-label", more.length ? label(marker.group, words) : `${first.name}: ${first.text}`);
  element.dataset.state = state;
  element.querySelector("use").setAttribute("href", `#state-${state}`);
  if (marker.isPopupOpen()) renew(marker.getPopup());
}

// What is open says it anew, and a link there that had the focus keeps it.
function renew(popup) {
  const held = popup.getElement().contains(document.activeElement) && document.activeElement.getAttribute("href");
  popup.update();
  if (held) popup.getElement().querySelector(`a[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

export function about(group) {
  const list = document.createElement("div");
  for (const point of group) {
    const name = document.createElement(point.href ? "a" : "span");
    name.textContent = point.name;
    if (point.href) name.href = point.href;
    const title = document.createElement("p");
    title.className = "popup-name";
    title.append(name);
    const state = document.createElement("p");
    state.className = "state";
    state.dataset.state = point.state;
    state.append(shape(point.state), point.text);
    list.append(title, state);
    if (point.opening) list.append(Object.assign(document.createElement("p"), { textContent: point.opening }));
  }
  return list;
}

function shape(state) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#state-${state}`);
  svg.append(use);
  svg.setAttribute("class", "shape");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}
