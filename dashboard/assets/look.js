// Light or dark as chosen on this device. Nothing is stored before a choice, and "automatic" forgets it again.

const LOOK = "bypunkt.look";

function kept() {
  try {
    return localStorage.getItem(LOOK) ?? "";
  } catch {
    return ""; // storage is switched off
  }
}

function keep(look) {
  try {
    if (look) localStorage.setItem(LOOK, look);
    else localStorage.removeItem(LOOK);
  } catch {
    // the choice holds for this page
  }
}

function wear(look) {
  if (look === "light" || look === "dark") document.documentElement.dataset.look = look;
  else delete document.documentElement.dataset.look;
}

function offer() {
  const form = document.getElementById("look");
  if (!form) return;
  form.elements.look.value = document.documentElement.dataset.look ?? "";
  form.hidden = false;
  form.addEventListener("change", () => {
    keep(form.elements.look.value);
    wear(form.elements.look.value);
  });
}

wear(kept());
if (document.readyState === "loading") addEventListener("DOMContentLoaded", offer);
else offer();
