// The search field: suggestions while one types, as a combobox with a listbox (WAI-ARIA). Without it the field is a
// plain form. Focus stays in the field; aria-activedescendant names the option that Enter takes.
const pause = 120;
let timer;
let request;

const listOf = (input) => input.closest("[data-search]").querySelector("[data-search-list]");
const options = (list) => [...list.querySelectorAll("[role=option]")];

function show(input, shown) {
  const list = listOf(input);
  list.hidden = !shown;
  input.setAttribute("aria-expanded", String(shown));
  if (!shown) choose(input, null);
}

function choose(input, option) {
  for (const other of options(listOf(input))) other.setAttribute("aria-selected", String(other === option));
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

function stop() {
  clearTimeout(timer);
  request?.abort();
}

async function suggest(input) {
  const text = input.value;
  request = new AbortController();
  try {
    const response = await fetch("/search/suggestions?q=" + encodeURIComponent(text), { signal: request.signal, redirect: "error" });
    if (!response.ok || document.activeElement !== input) return;
    const html = await response.text();
    if (input.value !== text) return; // an answer to what is no longer asked
    listOf(input).innerHTML = html;
    show(input, options(listOf(input)).length > 0);
  } catch { /* aborted, or no server: the form works by itself */ }
}

function makeCombobox(input) {
  if (!input.matches?.("[data-search-input]") || input.getAttribute("role") === "combobox") return;
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", listOf(input).id);
  input.setAttribute("aria-expanded", "false");
}

document.addEventListener("focusin", (event) => makeCombobox(event.target));
makeCombobox(document.activeElement); // focused by the page, or by a hand that was faster than this file

document.addEventListener("input", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-search-input]")) return;
  stop();
  if (!input.value.trim()) return show(input, false);
  timer = setTimeout(suggest, pause, input);
});

// An option that completes a word writes it and goes on; the others are links.
function take(input, option) {
  if (!("insert" in option.dataset)) return option.click();
  input.value = option.dataset.insert;
  input.focus();
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  const option = event.target.closest("[data-search-list] [data-insert]");
  if (!option) return;
  event.preventDefault();
  take(option.closest("[data-search]").querySelector("[data-search-input]"), option);
});
// a press on an option must not take the focus, which would close the list before the click
document.addEventListener("mousedown", (event) => {
  if (event.target.closest("[data-search-list]")) event.preventDefault();
});

// Before the page's own keys: Escape closes the list first.
document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-search-input]") || event.isComposing) return;
  const list = listOf(input);
  const all = list.hidden ? [] : options(list);
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "Escape" && !list.hidden) {
    stop();
    show(input, false);
  } else if (event.key === "ArrowDown" && all.length) choose(input, all[at + 1] ?? all[0]);
  else if (event.key === "ArrowUp" && all.length) choose(input, all[at < 0 ? all.length - 1 : at - 1] ?? null);
  else if (event.key === "Enter" && at >= 0) take(input, all[at]);
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("focusout", (event) => {
  if (!event.target.matches?.("[data-search-input]")) return;
  stop();
  show(event.target, false);
});
