// The palette (Ctrl or ⌘ K): tickets, people and views that the server finds, and everything that can be done on the
// page as it is, which is every control with a key. What was chosen before comes first.
import { actions, press } from "./keys.js";

const storedAs = `palette ${document.documentElement.dataset.person}`;
const kept = 30; // how many choices are remembered
const most = 6; // of a group, while nothing is typed
const pause = 60; // after a key, before the server is asked
const ids = { tickets: "ticket", people: "person", views: "queue", recent: "clock", actions: "command" };

let dialog;
let input;
let list;
let found = []; // the server's groups for what is typed
let views = []; // all of them: the page itself searches their names
let here = []; // what can be done on the page
let options = []; // as they are shown: {item, element}
let at = 0;
let moved = false; // by hand: then news of the server does not move the mark
let asking;
let timer;

function remembered() {
  try { return JSON.parse(localStorage.getItem(storedAs)) ?? []; } catch { return []; }
}

function remember({ group, label, hint, href, keys }) {
  const item = { group, label, hint, href, keys };
  const same = (other) => other.href === href && other.keys === keys;
  try { localStorage.setItem(storedAs, JSON.stringify([item, ...remembered().filter((other) => !same(other))].slice(0, kept))); } catch { /* then it is not */ }
}

// A ticket that was opened by other ways is found here again, too.
const title = document.querySelector(".ticket h1, .ticket__subject, #ticket-head h1");
const [, opened] = location.pathname.match(/^\/tickets\/(\d+)$/) ?? [];
if (opened && title && document.querySelector("[data-palette]")) {
  remember({ group: "tickets", label: title.textContent.trim(), hint: `#${opened}`, href: location.pathname });
}

function open() {
  if (!document.querySelector("[data-palette]") || document.querySelector("dialog:modal")) return;
  if (!dialog) {
    document.body.append(document.getElementById("palette-sheet").content.querySelector("dialog").cloneNode(true));
    dialog = document.getElementById("palette");
    input = dialog.querySelector("input");
    list = dialog.querySelector("[role=listbox]");
    dialog.addEventListener("close", () => asking?.abort());
  }
  here = actions().filter(({ words }) => words).map(({ keys, words, control }) =>
    ({ group: "actions", label: words, keys, control, href: control.matches("a[href]") ? control.getAttribute("href") : undefined }));
  input.value = "";
  found = [];
  moved = false;
  at = 0;
  show();
  dialog.showModal();
  input.focus();
  ask();
}

// ---- what fits

// score says how well words fit what is typed: every word of it in order, best where it begins a word; 0 not at all.
function score(typed, words) {
  if (!typed) return 1;
  const text = words.toLowerCase();
  if (text.startsWith(typed)) return 100;
  let sum = 0;
  for (const part of typed.split(/\s+/)) {
    const whole = text.indexOf(part);
    if (whole >= 0) sum += whole === 0 || /\P{L}/u.test(text[whole - 1]) ? 40 : 20;
    else {
      let from = -1;
      for (const letter of part) {
        from = text.indexOf(letter, from + 1);
        if (from < 0) return 0;
      }
      sum += 3;
    }
  }
  return sum / typed.split(/\s+/).length;
}

const fitting = (typed, items) => items.map((item) => [score(typed, item.label + " " + (item.hint ?? "")), item])
  .filter(([points]) => points).sort(([a], [b]) => b - a).map(([, item]) => item);

function groups() {
  const typed = input.value.trim().toLowerCase();
  const before = remembered();
  const rank = new Map(before.map((item, n) => [item.href ?? item.keys, n]));
  const usedFirst = (items) => items.map((item) => [rank.get(item.href ?? item.keys) ?? Infinity, item])
    .sort(([a], [b]) => (a === b ? 0 : a - b)).map(([, item]) => item);
  const recent = fitting(typed, before.filter((item) => item.href && item.group !== "actions" && item.href !== location.pathname)).slice(0, typed ? 4 : most);
  const shown = new Set(recent.map((item) => item.href));
  const doable = typed ? fitting(typed, usedFirst(here)) : usedFirst(here);
  const server = found.map(({ id, name, items }) => ({ id, name, items: items.map((item) => ({ ...item, group: id })).filter((item) => !shown.has(item.href)) }));
  // Who is called so comes before what they wrote.
  const called = ({ id, items }) => id === "people" && items.some(({ label, hint }) => score(typed, `${label} ${hint}`) >= 40);
  if (typed) server.sort((a, b) => called(b) - called(a));
  const kept = { id: "views", name: "Views", items: fitting(typed, usedFirst(views)).filter((item) => !shown.has(item.href)).slice(0, most) };
  const mine = [{ id: "recent", name: "Recent", items: recent }, { id: "actions", name: "On this page", items: doable }];
  const [first, second] = /^#?\d+$/.test(typed) ? [server, mine] : typed ? [[mine[1], kept, mine[0]], server] : [[mine[0], kept, ...server], [mine[1]]];
  return [...first, ...second].filter(({ items }) => items.length);
}

// ---- what is shown

function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  if (text) element.textContent = text;
  return element;
}

function show() {
  const chosen = moved && options[at]?.item;
  options = [];
  const children = groups().map(({ id, name, items }) => {
    const group = make("div", "");
    group.setAttribute("role", "group");
    const label = make("div", "palette__group", name);
    label.id = `palette-${id}`;
    group.setAttribute("aria-labelledby", label.id);
    group.append(label);
    for (const item of items) {
      const option = make("div", "palette__option");
      option.setAttribute("role", "option");
      option.id = `palette-option-${options.length}`;
      const icon = document.getElementById("palette-sheet").content.querySelector(`[data-palette-icon=${ids[id === "recent" ? "recent" : item.group] ?? "command"}] svg`);
      const what = make("span", "palette__what");
      what.append(make("span", "palette__label", item.label));
      if (item.hint) what.append(make("span", "palette__hint", item.hint));
      option.append(icon.cloneNode(true), what);
      if (item.keys) option.append(make("kbd", "kbd", item.keys === "Escape" ? "Esc" : item.keys));
      options.push({ item, element: option });
      group.append(option);
    }
    return group;
  });
  list.replaceChildren(...children);
  dialog.querySelector("[data-palette-none]").hidden = options.length > 0;
  const again = chosen ? options.findIndex(({ item }) => item.href === chosen.href && item.keys === chosen.keys) : -1;
  mark(again >= 0 ? again : 0);
}

function mark(next) {
  at = Math.min(Math.max(next, 0), options.length - 1);
  for (const [n, { element }] of options.entries()) element.setAttribute("aria-selected", String(n === at));
  const element = options[at]?.element;
  if (element) {
    input.setAttribute("aria-activedescendant", element.id);
    (at === 0 ? list.firstElementChild : element).scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

// ---- what the server finds

async function ask() {
  asking?.abort();
  const mine = asking = new AbortController();
  const typed = input.value.trim();
  try {
    const response = await fetch(`/palette?q=${encodeURIComponent(typed)}`, { headers: { Accept: "application/json" }, signal: mine.signal });
    if (!response.ok) return;
    const answer = await response.json();
    if (mine !== asking || !dialog.open) return;
    const given = answer.groups.find(({ id }) => id === "views")?.items ?? [];
    if (!typed) views = given.map((item) => ({ ...item, group: "views" }));
    found = answer.groups.filter(({ id }) => id !== "views");
    show();
    dialog.querySelector("[data-palette-said]").textContent = options.length === 1 ? "1 result" : `${options.length} results`;
  } catch { /* what is on the page can be done all the same */ }
}

// ---- what is pressed

function choose(aside) {
  const item = options[at]?.item;
  if (!item) return;
  remember(item);
  if (aside && item.href) return void window.open(item.href, "_blank", "noopener");
  dialog.close();
  if (item.control) press(item.control);
  else location.assign(item.href);
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-palette]")) return open();
  const option = event.target.closest("#palette [role=option]");
  if (!option) return;
  mark(options.findIndex(({ element }) => element === option));
  choose(event.ctrlKey || event.metaKey);
});

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    if (!document.querySelector("[data-palette]")) return;
    event.preventDefault();
    if (dialog?.open) dialog.close();
    else open();
    return;
  }
  if (event.target !== input || !dialog?.open) return;
  const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
  if (step) {
    moved = true;
    const last = options.length - 1;
    mark(Math.abs(step) === 1 && (at + step < 0 || at + step > last) ? (step < 0 ? last : 0) : at + step);
  } else if (event.key === "Enter") choose(event.ctrlKey || event.metaKey);
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("input", (event) => {
  if (event.target !== input) return;
  moved = false;
  clearTimeout(timer);
  timer = setTimeout(ask, pause);
  show();
});

// A mouse that rests where the palette opens chooses nothing; one that moves does.
document.addEventListener("pointermove", (event) => {
  const option = dialog?.open && event.target.closest?.("#palette [role=option]");
  if (!option || (!event.movementX && !event.movementY)) return;
  const n = options.findIndex(({ element }) => element === option);
  if (n === at) return;
  moved = true;
  at = n;
  for (const [m, { element }] of options.entries()) element.setAttribute("aria-selected", String(m === n));
  input.setAttribute("aria-activedescendant", option.id);
});

if (/Mac|iPhone|iPad/.test(navigator.platform)) for (const cap of document.querySelectorAll("[data-palette] .kbd")) cap.textContent = "⌘ K";
