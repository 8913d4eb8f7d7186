// What this person is told by name: the number on the bell and in the tab, and notifications of the desktop. Pages
// that nobody looks at fetch it too, unlike their regions: it is small, and what one keeps a hidden tab for.
import { setUnread } from "./live-mark.js";
import * as tabs from "./live-tabs.js";
import { ours } from "./live-wire.js";

const root = document.documentElement;
const bell = () => document.querySelector("[data-bell]");
const gap = 250; // what changes often is fetched four times a second at most
const atOnce = 3; // of more than so many the desktop is told in one line
const switchedOn = `alerts ${root.dataset.person}`;
const shownUpTo = `alerted ${root.dataset.person}`;
const onDesktop = new Map(); // id -> the desktop's notification that this page has shown

let known = 0; // the newest that this page has been told of, shown or not
let unread = [];
let asking = false;
let again = false;
let failures = 0;

// alerts says whether the desktop is to be told: then a page that nobody looks at must hear at once.
export const alerts = () => Boolean(bell()) && "Notification" in window && Notification.permission === "granted" && read(switchedOn) === "on";

function read(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}
function write(key, value) {
  try { localStorage.setItem(key, value); } catch { /* forbidden: then by this page alone */ }
}

// changed says that the server has something to say of notifications.
export async function changed() {
  if (!bell()) return;
  if (asking) return void (again = true);
  asking = true;
  again = false;
  try {
    const response = await fetch("/notifications/unread", { headers: { Accept: "application/json" }, cache: "no-store", redirect: "manual" });
    if (!response.ok || !ours(response.headers)) throw new Error(String(response.status));
    take(await response.json());
    failures = 0;
  } catch {
    again = failures < 8; // after that the next change, or the next look, asks anew
    failures++;
  }
  const pause = failures ? Math.min(30000, 500 * 2 ** failures) * (0.5 + Math.random() / 2) : gap;
  setTimeout(() => {
    asking = false;
    if (again) changed();
  }, pause);
}

function take({ unread: count, more, newest }) {
  unread = newest;
  show(more ? `${count - 1}+` : count ? String(count) : "");
  if (looked()) return;
  tell(newest.filter((n) => n.position > known));
  known = Math.max(known, ...newest.map((n) => n.position));
  for (const [id, shown] of onDesktop) { // read elsewhere
    if (!newest.some((n) => n.id === id)) shown.close();
  }
}

function show(words) {
  const number = bell().querySelector("[data-bell-count]");
  if (number.textContent !== words) {
    number.textContent = words;
    bell().querySelector("[data-bell-said]").textContent = words && `${words} unread`;
  }
  setUnread(words);
  if (bell().open) refresh();
}

// look says that somebody looks at the page again.
export function look() {
  if (failures) changed();
  else looked();
}

// looked marks as read what is about the ticket on the screen. It says whether there was any.
function looked() {
  const [, number] = location.pathname.match(/^\/tickets\/(\d+)$/) ?? [];
  if (document.hidden || !unread.some((n) => String(n.number) === number)) return false;
  unread = unread.filter((n) => String(n.number) !== number);
  fetch("/notifications/reading", { method: "POST", body: new URLSearchParams({ ticket: number }), headers: { Accept: "application/json" } })
    .then(changed, () => {});
  return true;
}

// ---- the desktop

// tell shows what is new. Of all pages of this browser one does: the one that leads, and where nobody looks at any, the
// first of those.
function tell(fresh) {
  if (!alerts() || !tabs.holding || (tabs.line === "hidden" && tabs.neighbour())) return;
  if (!document.hidden && document.hasFocus()) return; // the bell says it before the person's eyes
  const seen = Number(read(shownUpTo));
  fresh = fresh.filter((n) => n.position > seen).reverse();
  if (!fresh.length) return;
  write(shownUpTo, fresh.at(-1).position);
  const several = { id: "several", title: `${fresh.length} new notifications`, body: "AutoCRM", path: "/notifications" };
  for (const { id, title, body, path } of fresh.length > atOnce ? [several] : fresh) {
    const shown = new Notification(title, { body, tag: id, icon: document.querySelector("link[rel=icon]").href });
    onDesktop.set(id, shown);
    shown.onclose = () => onDesktop.delete(id);
    shown.onclick = () => {
      shown.close();
      window.focus();
      location.assign(path);
    };
  }
}

// ---- the panel

document.addEventListener("toggle", (event) => {
  if (event.target === bell() && event.target.open) refresh();
}, true);

async function refresh() {
  const panel = bell().querySelector("[data-notices]");
  await window.htmx.ajax("GET", "/notifications/panel", { source: panel, target: panel, swap: "outerMorph" });
}

document.addEventListener("htmx:after:swap", () => { if (bell()?.open) offer(); });

// offer shows the switch of the desktop's notifications: the browser is asked for leave only when it is pressed.
function offer() {
  const place = bell()?.querySelector("[data-alerts]");
  if (!place || !("Notification" in window)) return;
  place.hidden = false;
  const blocked = Notification.permission === "denied";
  const button = place.querySelector("[data-alerts-switch]");
  button.hidden = blocked;
  button.textContent = alerts() ? "Turn off desktop notifications" : "Turn on desktop notifications";
  place.querySelector("[data-alerts-blocked]").hidden = !blocked;
}

document.addEventListener("click", async (event) => {
  if (!event.target.closest("[data-alerts-switch]")) return;
  if (alerts()) write(switchedOn, "off");
  else if (await Notification.requestPermission() === "granted") write(switchedOn, "on");
  offer();
});

if (bell()) {
  known = Number(bell().dataset.newest);
  setUnread(bell().querySelector("[data-bell-count]").textContent);
}
