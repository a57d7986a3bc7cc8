// Keeps the open system page current: asks for it again now and then, and says so when there is no answer.

const EVERY = 10_000;

function again() {
  setTimeout(take, EVERY * (0.9 + Math.random() * 0.2));
}

async function take() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    // Whoever is signed out meanwhile is led to the form: that is no news of the system.
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    put(new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("system"));
  } catch {
    const line = document.getElementById("system-line");
    line.dataset.is = "stale";
    line.textContent = line.dataset.stale;
  }
  again();
}

function put(fresh) {
  const old = document.getElementById("system");
  const held = old.contains(document.activeElement) ? document.activeElement.id || null : null;
  const scrolled = [...old.querySelectorAll(".table-scroll")].map((table) => table.scrollLeft);
  old.replaceWith(document.adoptNode(fresh));
  document.getElementById("system-line").dataset.is = "live";
  fresh.querySelectorAll(".table-scroll").forEach((table, number) => (table.scrollLeft = scrolled[number] ?? 0));
  if (held) document.getElementById(held)?.focus({ preventScroll: true });
}

document.getElementById("system-line").dataset.is = "live";
again();
