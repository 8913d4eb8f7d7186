// Regions that refresh: [data-topic][data-version][data-src]. htmx fetches and morphs; this module
// decides what of the answer may be shown. An older answer is dropped, rows that are new wait behind
// a button, what is being typed stays where it is on the screen, and what a morph left alone because
// somebody was using it (morphSkip in htmx-config) catches up once they have let go.
let held; // the field being typed in and its place before a swap
const inUse = "form[data-dirty-watch]:is([data-dirty], :focus-within), details[data-menu][open], [data-still]:is(:hover, :focus-within)";

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  for (const task of [...tasks]) {
    const region = typeof task.target === "string" ? document.querySelector(task.target) : task.target;
    if (!region?.dataset?.topic || task.type !== "main") continue;
    const next = task.fragment.querySelector(`#${CSS.escape(region.id)}`);
    if (!next || Number(next.dataset.version) < Number(region.dataset.version)) {
      tasks.splice(tasks.indexOf(task), 1);
      ctx.title = null; // and the tab keeps its name
      continue;
    }
    for (const shown of region.querySelectorAll("details[id][open]")) {
      next.querySelector(`#${CSS.escape(shown.id)}`)?.setAttribute("open", "");
    }
    for (const shown of region.querySelectorAll("[id] details.quoted[open]")) keepOpen(shown, next);
    if ("hold" in region.dataset) hold(region, next);
  }
  const field = document.activeElement;
  held = field?.matches("textarea, input") ? { field, top: field.getBoundingClientRect().top } : null;
});

document.addEventListener("htmx:after:swap", (event) => {
  const region = event.detail.ctx.sourceElement?.closest?.("[data-topic]");
  if (region?.querySelector(inUse)) region.dataset.behind = "";
  if (!held?.field.isConnected || held.field !== document.activeElement) return;
  const moved = held.field.getBoundingClientRect().top - held.top;
  if (moved) scrollBy({ top: moved, behavior: "instant" });
});

// keepOpen is for what a message folds, which has no id of its own: it is the same one of the same message.
function keepOpen(shown, next) {
  const message = shown.closest("[id]");
  const at = [...message.querySelectorAll("details.quoted")].indexOf(shown);
  next.querySelector(`#${CSS.escape(message.id)}`)?.querySelectorAll("details.quoted")[at]?.setAttribute("open", "");
}

let rest;
for (const name of ["pointerover", "focusin", "focusout", "toggle"]) {
  document.addEventListener(name, () => {
    clearTimeout(rest);
    if (document.querySelector("[data-behind]")) rest = setTimeout(catchUp, 250);
  }, true);
}

function catchUp() {
  for (const region of document.querySelectorAll("[data-behind]")) {
    if (region.querySelector(inUse)) continue;
    delete region.dataset.behind;
    region.dataset.accept = ""; // asks past the ETag, which speaks for the whole region
    refetch(region);
  }
}

function refetch(region) {
  return window.htmx.ajax("GET", region.dataset.src, { source: region, target: region, swap: "outerMorph" });
}

function byRow(region) {
  return new Map([...region.querySelectorAll("[data-row]")].map((row) => [row.dataset.row, row]));
}

// hold rewrites the answer before it is shown: known rows in the order the reader knows, each with its
// new content; the rest is counted.
function hold(region, next) {
  const have = byRow(region);
  const come = byRow(next);
  const fresh = [...come.keys()].filter((row) => !have.has(row));
  if ("accept" in region.dataset) {
    for (const row of fresh) come.get(row).dataset.fresh = "";
    return;
  }
  if (!have.size || !come.size) return; // nothing to disturb, or nothing left
  const survivors = [...have.keys()].map((row) => come.has(row));
  const last = survivors.lastIndexOf(true);
  const place = come.values().next().value.parentElement;
  const peek = fresh.length ? come.get(fresh[0]).querySelector("a[href]")?.textContent : "";
  const rows = [...have].map(([row, old], at) => {
    if (come.has(row)) return come.get(row);
    const gone = old.cloneNode(true);
    // pushed over the page's end by a newer row, it is not gone
    if (!fresh.length || at < last) gone.dataset.gone = "";
    return gone;
  });
  place.replaceChildren(...rows);
  const button = next.querySelector("[data-news-show]");
  if (!button || !fresh.length) return;
  button.textContent = `${fresh.length} new`;
  button.hidden = false;
  next.querySelector("[data-news-peek]").textContent = peek ?? "";
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-news-show]");
  const region = button?.closest("[data-hold]");
  if (!region) return;
  region.dataset.accept = "";
  await refetch(region);
  const shown = document.getElementById(region.id);
  delete shown?.dataset.accept;
  shown?.querySelector("[data-row] a[href]")?.focus({ preventScroll: true });
});
