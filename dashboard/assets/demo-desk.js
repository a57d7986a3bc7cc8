// Keeps the list of what is broken current. Without script, or while the server is away, it stays as it was, with its time.

const OFTEN = 2_000;

async function look() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      // Whoever has been signed out meanwhile gets another page.
      const fresh = page.getElementById("broken");
      if (fresh) document.getElementById("broken").replaceWith(fresh);
    }
  } catch {
    // Asked again soon.
  }
}

setInterval(() => document.hidden || look(), OFTEN);
