// Selecting rows of a list: a checkbox a row (data-select), of the form #select-bar. What is selected is kept here by
// number and put on again after each swap, so that rows may come and go under it. x toggles the row under the
// keyboard, Shift reaches from the last one to this.
const chosen = new Set();
let last = ""; // the row that was toggled last
let whole = false; // all that the list shows, also beyond the page
let loaded = false;
let shift = false; // held while a checkbox is clicked: its change event does not say

const bar = () => document.querySelector("[data-select-bar]");
const boxes = () => [...document.querySelectorAll("[data-rows] input[data-select]")];

function show() {
  const form = bar();
  if (!form) return;
  const all = boxes();
  for (const box of all) box.checked = whole || chosen.has(box.value);
  const on = all.filter((box) => box.checked).length;
  const head = document.querySelector("input[data-select-all]");
  if (head) {
    head.checked = all.length > 0 && on === all.length;
    head.indeterminate = on > 0 && on < all.length;
  }
  const some = whole || chosen.size > 0;
  form.toggleAttribute("data-some", some);
  if (!some) {
    document.getElementById("bulk-question").replaceChildren();
    for (const menu of form.querySelectorAll("details[open]")) menu.open = false;
  }
  form.querySelector("[data-select-count]").textContent = whole ? "All selected" : some ? `${chosen.size} selected` : "";
  const more = document.querySelector(".pager a[href]") && on === all.length && on > 0;
  form.toggleAttribute("data-more", Boolean(whole || more));
  form.querySelector("[data-select-whole]").checked = whole;
  if (some && !loaded) load(form);
  if (more && !whole) count(form);
}

function load(form) {
  loaded = true;
  const actions = form.querySelector("#bulk-actions");
  form.dataset.loading = ""; // the bar comes whole: it would grow under the pointer
  window.htmx.ajax("GET", actions.dataset.src, { source: actions, target: actions, swap: "innerHTML" })
    .catch(() => { loaded = false; })
    .finally(() => delete form.dataset.loading);
}

// How many match is asked when it can be chosen, and not again while the list stays.
function count(form) {
  const words = form.querySelector("#bulk-size");
  if (words.dataset.count || words.dataset.asked === "") return;
  words.dataset.asked = "";
  const list = form.elements.list.value;
  window.htmx.ajax("GET", "/bulk/size?list=" + encodeURIComponent(list), { source: words, target: words, swap: "outerHTML" });
}

function set(box, on) {
  if (whole) {
    whole = false;
    for (const each of boxes()) chosen.add(each.value);
  }
  if (on) chosen.add(box.value);
  else chosen.delete(box.value);
}

function reach(box, on) {
  const all = boxes();
  const from = all.findIndex((each) => each.value === last);
  const to = all.indexOf(box);
  for (const each of from < 0 ? [box] : all.slice(Math.min(from, to), Math.max(from, to) + 1)) set(each, on);
}

function toggle(box, on, range) {
  if (range) reach(box, on);
  else set(box, on);
  last = box.value;
  show();
}

// clear lets go of all. A hand that was in the bar, which is gone then, goes back to the row it came from.
function clear() {
  const back = document.activeElement?.closest("[data-select-bar]") && document.querySelector(`[data-rows] [data-row="${CSS.escape(last)}"] a[href]`);
  chosen.clear();
  whole = false;
  last = "";
  show();
  back?.focus({ preventScroll: true });
}

// A menu that opens leads into what it offers; arrows go on from there.
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("[data-select-bar] details[open]")) event.target.querySelector(".menu__panel :is(input, button)")?.focus();
}, true);
document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const panel = step && event.target.matches?.("button") && event.target.closest("[data-select-bar] .menu__panel");
  if (!panel) return;
  const all = [...panel.querySelectorAll("button")];
  event.preventDefault();
  all[(all.indexOf(event.target) + step + all.length) % all.length].focus();
});

document.addEventListener("click", (event) => {
  shift = event.shiftKey;
  if (event.target.closest("[data-select-clear]")) clear();
  if (event.target.closest("[data-select-back]")) document.getElementById("bulk-question").replaceChildren();
}, true);

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches("input[data-select]")) toggle(box, box.checked, shift);
  else if (box.matches("input[data-select-all]")) {
    for (const each of boxes()) set(each, box.checked);
    show();
  } else if (box.matches("input[data-select-whole]")) {
    whole = box.checked;
    show();
  } else if (box.closest("[data-select-bar]")) return;
  shift = false;
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key.toLowerCase() !== "x" || document.documentElement.dataset.keys === "off") return;
  const box = event.target.closest("[data-rows] [data-row]")?.querySelector("input[data-select]");
  if (!box) return;
  event.preventDefault();
  toggle(box, event.shiftKey || !box.checked, event.shiftKey);
});

// What is selected goes with the form, also where its row has left the page.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("[data-select-bar]")) return;
  event.formData.delete("ticket");
  if (!whole) for (const number of chosen) event.formData.append("ticket", number);
});

document.addEventListener("htmx:after:swap", show);
document.addEventListener("htmx:finally:request", (event) => {
  const { ctx } = event.detail;
  if (!ctx.sourceElement?.matches?.("[data-select-bar]")) return;
  if (ctx.response?.status === 202) return clear(); // begun
  for (const menu of document.querySelectorAll("[data-select-bar] details[open]")) {
    if (ctx.response?.status === 200) menu.open = false; // a question stands below; what is wrong is mended in the menu
  }
});

// A page out of the browser's memory shows what was selected on it, one that it fetched anew shows nothing.
addEventListener("pageshow", show);
