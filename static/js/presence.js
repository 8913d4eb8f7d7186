// Who is at a ticket: while [data-attend] is on the page, its address is told that somebody looks, or writes, again
// every few seconds, and that they left. The server shows it to the others and forgets who says nothing any more.
import { page } from "./live-wire.js";

const beat = 4000; // a third of the time after which the server takes a page for gone
const rest = 10000; // without a keystroke nobody is writing
const away = 3000; // a tab that is hidden for longer is not looked at
const region = document.querySelector("[data-attend]");
const address = region?.dataset.src;

let writing = false;
let here = false; // as this page would have it
let said = "gone";
let over = !region;
let busy = false;
let again = false;
let resting;
let leaving;

const state = () => (here ? (writing ? "writing" : "viewing") : "gone");

// tell sends the state, one request after the other: they must not overtake each other.
async function tell() {
  if (over) return;
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  do {
    again = false;
    const now = state();
    if (now === "gone" && said === "gone") break;
    try {
      const answer = await post(now, AbortSignal.timeout(beat));
      if ([401, 403, 404].includes(answer.status)) over = true;
      said = now;
    } catch {
      break; // the next beat says it again: nobody answers faster for being asked at once
    }
  } while (!over && (again || state() !== said));
  busy = false;
}

function post(now, signal) {
  return fetch(address, { method: "POST", body: new URLSearchParams({ page, state: now }), keepalive: true, signal, redirect: "manual" });
}

function come() {
  clearTimeout(leaving);
  here = !document.hidden;
  tell();
}

function write(on) {
  clearTimeout(resting);
  if (on) resting = setTimeout(write, rest, false);
  if (on === writing) return;
  writing = on;
  tell();
}

const composed = () => [...document.querySelectorAll("#composer textarea")].some((field) => field.value.trim());

if (!over) {
  come();
  setInterval(() => { if (here) tell(); }, beat);
  document.addEventListener("input", (event) => {
    if (event.target.closest("#composer")) write(composed());
  });
  for (const name of ["draft:sent", "reset"]) document.addEventListener(name, () => setTimeout(() => { if (!composed()) write(false); }));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return come();
    clearTimeout(leaving);
    leaving = setTimeout(() => {
      here = false;
      tell();
    }, away);
  });
  addEventListener("pagehide", () => {
    here = false;
    if (!over) post("gone").catch(() => {});
    said = "gone";
  });
  addEventListener("pageshow", (event) => { if (event.persisted) come(); });
}
