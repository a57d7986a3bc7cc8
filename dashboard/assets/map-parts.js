// Arithmetic and words of the map, without the map.

const REACH = 30;

// Groups points whose marks would overlap; `project` gives pixels. The point `alone` is never put into a group.
export function clusters(points, project, alone) {
  const groups = [];
  for (const point of points) {
    const here = project(point);
    const near = point.id !== alone && groups.find((group) => group.open && distance(group.middle, here) < REACH);
    if (near) {
      near.members.push(point);
      const share = 1 / near.members.length;
      near.middle = {
        x: near.middle.x + (here.x - near.middle.x) * share,
        y: near.middle.y + (here.y - near.middle.y) * share,
      };
    } else {
      groups.push({ middle: here, members: [point], open: point.id !== alone });
    }
  }
  return groups.map((group) => group.members);
}

function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

// What a group is called: its number and its municipalities, Ljungby: 7 servicepunkter.
export function label(group, word) {
  const places = [...new Set(group.map((point) => point.properties.municipality_name))];
  return `${places.join(", ")}: ${group.length} ${word}`;
}
