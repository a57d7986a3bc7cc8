// Arithmetic and words of the map, without the map.

// Marks nearer than this, in pixels, would overlap.
const REACH = 38;

// Groups points whose marks would overlap; `project` gives pixels. The point `alone` is never put into a group.
export function clusters(points, project, alone) {
  const kept = points.filter((point) => point.id === alone).map((point) => [point]);
  let groups = points.filter((point) => point.id !== alone).map((point) => ({ ...xy(project(point)), members: [point] }));
  // A group's middle moves as it grows, so go on until no two are near each other.
  for (let before = Infinity; groups.length < before; ) {
    before = groups.length;
    groups = merged(groups);
  }
  return [...kept, ...groups.map((group) => group.members)];
}

function merged(groups) {
  const result = [];
  for (const group of groups) {
    const near = result.find((other) => Math.hypot(other.x - group.x, other.y - group.y) < REACH);
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

// What a group is called: its municipalities and its number, Ljungby: 7 servicepunkter.
export function label(group, word) {
  const places = [...new Set(group.map((point) => point.properties.municipality_name))];
  return `${places.join(", ")}: ${group.length} ${word}`;
}

// What a group shows: the state that most needs to be seen.
export function worst(group) {
  return ["down", "partly", "unknown", "working"].find((state) => group.some((one) => one.properties.state === state));
}
