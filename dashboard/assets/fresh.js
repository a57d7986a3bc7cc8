// Takes parts of a page anew from the server: when a door opens or closes, and when one looks for something else.
// The server alone knows what fits; here `data-fresh` parts are put in the place of those with the same id.

const OFTEN = 5 * 60_000;
const form = document.getElementById("filter");
let timer = 0;
let typing = 0;
let asked = null;

export function follow(onNew) {
  document.addEventListener("bypunkt:fresh", onNew);
  form?.addEventListener("input", () => ask(350));
  schedule();
}

export function refresh(within) {
  clearTimeout(timer);
  timer = setTimeout(() => take(location.href), within);
}

function ask(within) {
  clearTimeout(typing);
  typing = setTimeout(() => {
    clearTimeout(timer);
    const wanted = [...new FormData(form)].filter(([, value]) => value.trim());
    const address = `${location.pathname}${wanted.length ? `?${new URLSearchParams(wanted)}` : ""}`;
    take(address, true);
  }, within);
}

async function take(address, isNew = false) {
  asked?.abort();
  const mine = (asked = new AbortController());
  try {
    const answer = await fetch(address, { signal: mine.signal, cache: "no-cache" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (isNew) history.replaceState(null, "", address);
    put(page);
  } catch {
    // The stream says that there is no contact; what stands here stays, and is asked for again.
  }
  if (!mine.signal.aborted) schedule();
}

function put(page) {
  const held = document.activeElement?.closest("[data-fresh]") && document.activeElement.getAttribute("href");
  for (const old of document.querySelectorAll("[data-fresh]")) {
    const fresh = page.getElementById(old.id);
    if (fresh) old.replaceWith(document.adoptNode(fresh));
  }
  for (const old of document.querySelectorAll("[data-fresh-text]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && fresh.textContent !== old.textContent) old.textContent = fresh.textContent;
  }
  document.title = page.title;
  if (held) document.querySelector(`[data-fresh] a[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("bypunkt:fresh"));
}

// The next door to open or close, a little later for each reader so that not all ask at once; else now and then.
function schedule() {
  const changes = [...document.querySelectorAll("[data-changes]")].map((place) => Date.parse(place.dataset.changes));
  const next = Math.min(...changes.filter((at) => at > Date.now())) - Date.now();
  refresh(Math.min(next + 1_000 + Math.random() * 14_000, OFTEN * (0.8 + Math.random() * 0.4)));
}
