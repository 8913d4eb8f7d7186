// The page's behaviours. Each is bound once, by delegation on document, and found through data-
// attributes, so that a fragment swapped in later needs no start of its own.
import "./theme.js";
import "./times.js";
import "./keys.js";
import "./palette.js";
import "./rows.js";
import "./around.js";
import "./focus.js";
import "./regions.js";
import "./select.js";
import "./bulk.js";
import "./templates.js";
import "./controls.js";
import "./acts.js";
import "./drafts.js";
import "./composer.js";
import "./marks.js";
import "./mentions.js";
import "./upload.js";
import "./search.js";
import "./seen.js";
import "./presence.js";
import "./presence-marks.js";
import { ours } from "./live-wire.js";

const root = document.documentElement;

// A page without a cursor has no stream. Should the module not come, the page must not claim to be live.
if (root.dataset.cursor) import("./live.js").catch(() => { root.dataset.live = "stopped"; });

// ---- what htmx does not swap, said in words (htmx-config lists those statuses as noSwap)

document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  const status = ctx.response.status;
  if (status === 401 && ours(ctx.response.headers)) root.dataset.signedOut = "";
  else if (ctx.sourceElement?.dataset?.topic) return; // a region that failed to refresh stays as it was
  else if (status === 403) say("You are not allowed to do this.");
  else if (status === 404) say("This is no longer there.");
  else if (status !== 409 && status !== 422) { // those two are the form's own, with the words in it
    const page = new DOMParser().parseFromString(ctx.text, "text/html");
    const id = page.querySelector(".oops__id code");
    if (status < 500) say(page.querySelector(".oops__text")?.textContent ?? "This did not work.");
    else say("Something went wrong on our side." + (id ? ` If you ask us about it, name ${id.textContent}.` : ""));
  }
});

document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail;
  if (ctx && !ctx.response && !ctx.sourceElement?.dataset?.topic) say("The server could not be reached. Nothing you wrote is lost.");
});

function say(text) {
  const bar = document.querySelector("[data-toast]");
  if (!bar) return;
  bar.querySelector("[data-toast-text]").textContent = text;
  bar.dataset.shown = "";
}

document.addEventListener("click", (event) => {
  const close = event.target.closest("[data-toast-close]");
  if (close) delete close.closest("[data-toast]").dataset.shown;
  const back = event.target.closest("a[data-return]");
  if (back) back.search = "?next=" + encodeURIComponent(location.pathname + location.search);
});

// ---- offline: said after five seconds, since a tunnel is shorter

let offline;
addEventListener("offline", () => { offline = setTimeout(() => { root.dataset.offline = ""; }, 5000); });
addEventListener("online", () => { clearTimeout(offline); delete root.dataset.offline; });

// ---- a form is sent once. Bubbling comes last, so whoever refused the submit has done so by now.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if ("busy" in form.dataset) return event.preventDefault();
  if (event.defaultPrevented) return; // htmx has it and keeps its own queue
  form.dataset.busy = "";
  setTimeout(() => delete form.dataset.busy, 15000);
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-busy]")) delete form.dataset.busy;
});

// On a narrow screen the places stand in a strip: the present one is brought into it.
const here = document.querySelector(".nav [aria-current]");
if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 32;

// On a phone the navigation is wider than the screen: show where one is.
document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center", behavior: "instant" });

// A summary of errors is the first thing to hear after a form came back.
document.querySelector("[data-focus]")?.focus();
