// Arithmetic and words of the map, without the map.

const WORST_FIRST = ["down", "partly", "unknown", "working"];

// Groups points whose marks, nearer than `reach`, would overlap; `project` gives pixels. The point `alone` is never
// put into a group. Groups come in the order of the list, by the first of their points.
export function clusters(points, project, { reach, alone }) {
  const kept = points.filter((point) => point.id === alone).map((point) => [point]);
  let groups = points.filter((point) => point.id !== alone).map((point) => ({ ...xy(project(point)), members: [point] }));
  // A group's middle moves as it grows, so go on until no two are near each other.
  for (let before = Infinity; groups.length < before; ) {
    before = groups.length;
    groups = merged(groups, reach);
  }
  const order = new Map(points.map((point, place) => [point.id, place]));
  const all = [...kept, ...groups.map((group) => group.members)];
  for (const members of all) members.sort((one, other) => order.get(one.id) - order.get(other.id));
  return all.sort((one, other) => order.get(one[0].id) - order.get(other[0].id));
}

function merged(groups, reach) {
  const result = [];
  for (const group of groups) {
    const near = result.find((other) => Math.hypot(other.x - group.x, other.y - group.y) < reach);
    if (near) join(near, group);
    else result.push(group);
  }
  return result;
}

function join(near, group) {
  const share = group.members.length / (near.members.length + group.members.length);
  near.x += (group.x - near.x) * share;
  near.y += (group.y - near.y) * share;
  near.members.push(...group.members);
}

function xy({ x, y }) {
  return { x, y };
}

// What a group is called: its municipalities, its number and what is not as it should be,
// Ljungby: 7 servicepunkter, 1 utan kontakt.
export function label(group, words) {
  const places = [...new Set(group.map((point) => point.municipality).filter(Boolean))];
  const where = places.length > 3 ? `${places.slice(0, 3).join(", ")} …` : places.join(", ");
  const wrong = WORST_FIRST.slice(0, 3)
    .map((state) => [group.filter((one) => one.state === state).length, words[state]])
    .filter(([number]) => number)
    .map(([number, word]) => `, ${number} ${word}`);
  return `${where && `${where}: `}${group.length} ${words.many}${wrong.join("")}`;
}

// What a group shows: the state that most needs to be seen.
export function worst(group) {
  return WORST_FIRST.find((state) => group.some((one) => one.state === state));
}

// Where names fit: for each label its first box (of `boxes`) that lies within the map and on nothing else, or null.
export function placed(labels, taken, size) {
  const occupied = [...taken];
  return labels.map(({ boxes }) => {
    const free = boxes.findIndex((box) => within(box, size) && !occupied.some((other) => overlap(box, other)));
    if (free < 0) return null;
    occupied.push(boxes[free]);
    return free;
  });
}

function within(box, size) {
  return box.left >= 0 && box.top >= 0 && box.right <= size.x && box.bottom <= size.y;
}

function overlap(one, other) {
  return one.left < other.right && one.right > other.left && one.top < other.bottom && one.bottom > other.top;
}
