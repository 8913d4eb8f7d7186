// What the page still owes its reader: regions [data-topic][data-version], of one topic or several, that a signal made out of date.
// htmx fetches them, on the event live:<topic>. Here every fetch is followed to its end: one that failed is
// repeated, and while one is overdue the page does not call itself live.
import { ours } from "./live-wire.js";

const owed = new Map(); // region's id -> {version, since, failures, timer}
const started = new WeakMap(); // htmx's ctx -> when its request went out
const etags = new WeakMap(); // region -> the ETag of what it shows

const overdue = 2000;
let changed = () => {};
let signedOut = () => {};
let check;

// watch tells when the answer of settled or late may have changed, and when a region was answered 401.
export function watch(onChange, onSignedOut) {
  changed = onChange;
  signedOut = onSignedOut;
}

// settled says whether every region shows what was signalled.
export const settled = () => owed.size === 0;

// late says whether a region has been out of date for too long to call the page live.
export const late = () => [...owed.values()].some((debt) => performance.now() - debt.since >= overdue);

const regions = (topic) => document.querySelectorAll(topic ? `[data-topic~="${CSS.escape(topic)}"]` : "[data-topic]");

// concerned says whether a region does not show that version of its topic yet; what is [data-quiet] is no news.
export const concerned = (topic, version) => [...regions(topic)].some((region) => !("quiet" in region.dataset) && behind(region, version));

// tell fires live:<topic> and notes which regions must follow.
export function tell(topic, version) {
  for (const region of regions(topic)) if (behind(region, version)) owe(region, version);
  document.body.dispatchEvent(new CustomEvent("live:" + topic, { bubbles: true, detail: { version } }));
}

// tellAll makes every region fetch itself anew.
export function tellAll() {
  for (const topic of new Set([...regions()].flatMap((region) => region.dataset.topic.split(" ")))) tell(topic, Infinity);
}

// What no signal tells of, because it changes by the clock, is fetched by the clock, while somebody looks.
let minute = performance.now();
function byTheClock() {
  if (document.hidden || performance.now() - minute < 60000) return;
  minute = performance.now();
  document.body.dispatchEvent(new CustomEvent("live:minute", { bubbles: true }));
}
setInterval(byTheClock, 5000);
document.addEventListener("visibilitychange", byTheClock);

// retry fetches at once what failed before.
export function retry() {
  for (const [id, debt] of owed) if (debt.failures) refetch(id);
}

const behind = (region, version) => !(Number(region.dataset.version) >= version);

function owe(region, version) {
  if (!region.id || !region.hasAttribute("hx-get")) return; // nothing here would ever pay it
  const debt = owed.get(region.id) ?? { version: 0, since: performance.now(), failures: 0 };
  debt.version = Math.max(debt.version, version);
  debt.told = performance.now();
  owed.set(region.id, debt);
  clearTimeout(check);
  check = setTimeout(changed, overdue + 50);
}

function pay(id) {
  clearTimeout(owed.get(id)?.timer);
  if (owed.delete(id)) changed();
}

function refetch(id) {
  const region = document.getElementById(id);
  if (!region) return pay(id);
  clearTimeout(owed.get(id).timer);
  window.htmx.ajax("GET", region.getAttribute("hx-get"), { source: region, target: region, swap: region.getAttribute("hx-swap") });
}

function fail(region) {
  const debt = owed.get(region.id);
  if (!debt) return;
  clearTimeout(debt.timer);
  debt.failures++;
  debt.timer = setTimeout(() => refetch(region.id), Math.random() * Math.min(30000, Math.max(1000, performance.now() - debt.since)) + 250);
}

const regionOf = (event) => {
  const region = event.detail.ctx?.sourceElement;
  return region?.dataset?.topic ? region : null;
};

document.addEventListener("htmx:before:request", (event) => {
  const region = regionOf(event);
  if (!region) return;
  const { ctx } = event.detail;
  const version = ctx.sourceEvent?.type?.startsWith("live:") && ctx.sourceEvent.detail?.version;
  if (version && !behind(region, version)) return event.preventDefault(); // the region has it: often one's own change
  const etag = etags.get(region);
  if (etag && !("accept" in region.dataset)) ctx.request.headers["If-None-Match"] = etag;
  started.set(ctx, performance.now());
});

// Before regions.js, which keeps new rows back for a reader: where nobody reads, they come in by themselves.
document.addEventListener("htmx:before:swap", (event) => {
  const region = regionOf(event);
  if (region?.matches("[data-hold]") && !attended(region)) region.dataset.accept = "";
}, true);

function attended(region) {
  const selection = getSelection();
  return region.matches(":hover") || region.contains(document.activeElement)
    || (!selection.isCollapsed && region.contains(selection.anchorNode)) || region.getBoundingClientRect().top < 0;
}

document.addEventListener("htmx:finally:request", (event) => {
  const region = regionOf(event);
  const { ctx } = event.detail;
  if (!region || !started.has(ctx)) return;
  delete region.dataset.accept;
  const status = ctx.response?.status;
  // Nobody answered, or a proxy in the server's place. Of a 304 some proxies leave hardly a header.
  if (!status || (status !== 304 && !ours(ctx.response.headers))) return fail(region);
  if (status === 401) return signedOut();
  if (status === 404 || status === 403) gone(region);
  else if (status === 304 || (status < 300 && ctx.status === "swapped")) { // htmx says swapped of a 500 too
    if (status !== 304) keepTag(region, ctx);
    const debt = owed.get(region.id);
    // Asked after the signal came, the answer holds it, whatever the region counts its versions by.
    if (debt && (!behind(region, debt.version) || started.get(ctx) >= debt.told)) pay(region.id);
  } else fail(region);
});

// An ETag speaks for what the region shows: not for an answer that was older and dropped, nor for one with
// rows that wait behind a button.
function keepTag(region, ctx) {
  const etag = ctx.response.headers.get("ETag");
  if (etag && !region.querySelector("[data-news-show]:not([hidden])") && ctx.text.includes(`data-version="${region.dataset.version}"`)) etags.set(region, etag);
  else etags.delete(region);
}

// gone says that there is nothing to see any more, and keeps what was shown: it may have been read just now.
function gone(region) {
  pay(region.id);
  if ("gone" in region.dataset) return;
  region.dataset.gone = "";
  const line = document.createElement("p");
  line.className = "live-gone";
  line.setAttribute("role", "status");
  line.textContent = "This is no longer here.";
  region.before(line);
}
