// Names on the map: of villages beside their marks, of towns for orientation. None lies on another or on a mark.

import { REM } from "./map-marks.js";
import { placed } from "./map-parts.js";

// Beside its mark to the right, else to the left, else below, else above.
const SIDES = ["to-right", "to-left", "to-below", "to-above"];

// Towns by name, for orientation; they stand in the list, so a screen reader need not meet them here.
export function nameTowns(map, seats) {
  const inner = map.createPane("towns");
  inner.setAttribute("aria-hidden", "true");
  return seats.map(([town, lat, lon]) => {
    const label = document.createElement("span");
    label.textContent = town;
    const dot = L.divIcon({ html: label, className: "town is-crowded", iconSize: [0, 0] });
    return L.marker([lat, lon], { icon: dot, pane: "towns", interactive: false, keyboard: false }).addTo(map);
  });
}

// Names of villages beside their marks, then of towns, where they lie on nothing.
export function fitNames(map, every, towns) {
  const spot = (where) => map.latLngToContainerPoint(where);
  const around = ({ x, y }, wide, tall) => ({ left: x - wide / 2, right: x + wide / 2, top: y - tall / 2, bottom: y + tall / 2 });
  const line = 22 * REM;
  const taken = every.map((marker) => around(spot(marker.getLatLng()), (marker.group.length > 1 ? 58 : 30) * REM, 30 * REM));
  const beside = every.filter((marker) => marker.getElement().querySelector(".mark-name")).map((marker) => {
    const name = marker.getElement().querySelector(".mark-name");
    const wide = width(name, map);
    const at = spot(marker.getLatLng());
    const shift = line + wide / 2;
    const sides = [[shift, 0], [-shift, 0], [0, 1.2 * line], [0, -1.2 * line]];
    return { name, boxes: sides.map(([x, y]) => around({ x: at.x + x, y: at.y + y }, wide, line)) };
  });
  const below = map.getZoom() < 6 ? [] : towns.map((town) => {
    const name = town.getElement();
    const at = spot(town.getLatLng());
    return { name, boxes: [around({ x: at.x, y: at.y + 12 * REM }, width(name.firstElementChild, map) + 6, 34 * REM)] };
  });
  for (const town of towns) town.getElement().classList.add("is-crowded");
  const size = map.getSize();
  placed([...beside, ...below], taken, size).forEach((free, number) => {
    const { name } = [...beside, ...below][number];
    name.classList.toggle("is-crowded", free === null);
    SIDES.forEach((side, place) => name.classList.toggle(side, place === free));
  });
}

const widths = new Map();
let ruler;

function width(element, map) {
  const text = element.textContent;
  ruler ??= document.createElement("canvas").getContext("2d");
  if (!widths.has(text)) {
    const style = getComputedStyle(map.getContainer());
    ruler.font = `600 ${style.fontSize} ${style.fontFamily}`;
    widths.set(text, ruler.measureText(text).width + 8);
  }
  return widths.get(text);
}
