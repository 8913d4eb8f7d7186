// What a person prefers of the look and the keys. It lives in a cookie, because the server writes it
// into <html>: so no page flashes in the wrong colours and no script has to stand in the head.
const root = document.documentElement;
const year = 365 * 24 * 3600;

function remember(name, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=${value ? year : 0}; samesite=lax${secure}`;
  if (value) root.dataset[name] = value;
  else delete root.dataset[name];
}

function isDark() {
  const chosen = root.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-toggle]")) remember("theme", isDark() ? "light" : "dark");
});

// <select data-pref="density">, <input type=checkbox data-pref="keys" value="off">
document.addEventListener("change", (event) => {
  const field = event.target.closest("[data-pref]");
  if (field) remember(field.dataset.pref, field.type === "checkbox" && !field.checked ? "" : field.value);
});

for (const field of document.querySelectorAll("[data-pref]")) {
  const value = root.dataset[field.dataset.pref] ?? "";
  if (field.type === "checkbox") field.checked = value === field.value;
  else field.value = value;
}
