// Templates: <details data-templates> in a composer's form lists prepared words, found as one types, and puts them
// where the caret is. It opens by its button, by its key, or by / where a message begins; then the / is taken back,
// unless nothing was chosen: what was typed is never lost.
let slash = null; // the text that a / opened the list from
let pause;

const menus = "details[data-templates]";
const search = (menu) => menu.querySelector("[data-template-search]");
const options = (menu) => [...menu.querySelectorAll("[role=option]")];
const textOf = (menu) => menu.closest("form").querySelector("textarea");

async function look(menu) {
  const kind = menu.closest("[data-kind]")?.dataset.kind ?? "reply";
  const list = menu.querySelector("[data-template-list]");
  const words = search(menu).value;
  const url = `${menu.dataset.templates}?kind=${kind}&q=${encodeURIComponent(words)}`;
  const answer = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!menu.open || words !== search(menu).value) return; // another question has been asked since
  if (!answer?.ok) {
    list.textContent = "The templates could not be fetched.";
    return;
  }
  list.innerHTML = await answer.text(); // our own server's, with its own escaping
  const box = list.querySelector("[role=listbox]");
  if (box) {
    box.id = `templates-of-${kind}`;
    search(menu).setAttribute("aria-controls", box.id);
  } else search(menu).removeAttribute("aria-controls");
  choose(menu, 0);
}

function choose(menu, at) {
  const all = options(menu);
  all.forEach((option, n) => option.setAttribute("aria-selected", String(n === at)));
  const chosen = all[at];
  if (!chosen) return search(menu).removeAttribute("aria-activedescendant");
  search(menu).setAttribute("aria-activedescendant", chosen.id);
  chosen.scrollIntoView({ block: "nearest" });
}

const chosenAt = (menu) => options(menu).findIndex((option) => option.getAttribute("aria-selected") === "true");

function take(menu, option) {
  const field = textOf(menu);
  slash = null;
  menu.open = false;
  field.dispatchEvent(new CustomEvent("composer:insert", { bubbles: true, detail: { text: option.dataset.text } }));
  fetch(`/macros/${option.dataset.template}/uses`, { method: "POST", keepalive: true }).catch(() => {});
}

function leave(menu) {
  const field = textOf(menu);
  const typed = slash && "/" + search(menu).value;
  slash = null;
  menu.open = false;
  if (typed) field.dispatchEvent(new CustomEvent("composer:insert", { bubbles: true, detail: { text: typed } }));
  else field.focus();
}

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.(menus)) return;
  if (!menu.open) {
    if (slash === textOf(menu)) slash = null;
    return;
  }
  search(menu).value = "";
  search(menu).focus();
  look(menu);
}, true);

document.addEventListener("input", (event) => {
  const menu = event.target.matches("[data-template-search]") && event.target.closest(menus);
  if (!menu) return;
  clearTimeout(pause);
  pause = setTimeout(look, 80, menu);
});

document.addEventListener("click", (event) => {
  const option = event.target.closest("[data-template]");
  const menu = option?.closest(menus);
  if (menu) take(menu, option);
});

// Capturing: these keys are the list's before the text, the menu or a shortcut has them.
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target;
  if (event.key === "/" && field.matches("textarea") && field.value === "") {
    const menu = field.form?.querySelector(menus);
    if (!menu?.checkVisibility()) return;
    event.preventDefault();
    slash = field;
    menu.open = true;
    return;
  }
  const menu = field.matches("[data-template-search]") && field.closest(menus);
  if (!menu) return;
  const last = options(menu).length - 1;
  const at = chosenAt(menu);
  if (event.key === "ArrowDown") choose(menu, at < last ? at + 1 : 0);
  else if (event.key === "ArrowUp") choose(menu, at > 0 ? at - 1 : last);
  else if (event.key === "Enter") {
    if (at >= 0) take(menu, options(menu)[at]);
  } else if (event.key === "Escape") leave(menu);
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

// What can be chosen on a line that opens is fetched as it does: [data-choices].
document.addEventListener("toggle", async (event) => {
  const choices = event.target.matches?.("details[data-act][open]") && event.target.querySelector("[data-choices]");
  if (!choices) return;
  await window.htmx.ajax("GET", choices.dataset.choices, { source: choices, target: choices, swap: "innerHTML" });
  choices.querySelector("button:not(:disabled)")?.focus();
}, true);
