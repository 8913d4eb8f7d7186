// How far somebody has seen the thread that they answer: the field [name=seen] of the composer's forms. What comes while
// nothing is written yet is seen once it is on the screen: what is written then is written below it. What comes while
// one writes is seen only when one goes on writing with it on the screen for a second; the database refuses, once, what was
// written before. Beside the composer stands who wrote meanwhile.
const enough = 1000;
const thread = document.getElementById("timeline");
const fields = () => document.querySelectorAll("#composer form [name=seen]");

const since = new Map(); // entry's id -> when it came into sight
const late = new Set(); // ids of entries that came while something was being written
const known = new Set();
const read = new Set(); // positions seen, of entries that stand after one that was not

// Both forms know what either of them does: above a message that was refused stood what is new.
const seenTo = () => Math.max(...[...fields()].map((field) => Number(field.value)));

function raise(seen) {
  for (const field of fields()) if (Number(field.value) < seen) field.setAttribute("value", seen);
}

// News is every entry that stands after what was seen, the oldest first.
function news() {
  const seen = seenTo();
  return [...document.querySelectorAll("#timeline > [data-position]")].filter((entry) => Number(entry.dataset.position) > seen);
}

const sight = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting, intersectionRect, rootBounds, boundingClientRect } of changes) {
    // An entry that is higher than the window is seen where it fills half of it.
    const high = Math.min(boundingClientRect.height, rootBounds?.height ?? innerHeight);
    if (isIntersecting && intersectionRect.height >= high / 2) {
      if (!since.has(target.id)) since.set(target.id, performance.now());
    } else since.delete(target.id);
  }
  look();
}, { threshold: [0, 0.1, 0.25, 0.5, 0.75, 1] });

function look(typed = false) {
  if (document.hidden) {
    since.clear();
    return;
  }
  const waiting = news();
  for (const entry of waiting) {
    if (!since.has(entry.id)) continue;
    const here = performance.now() - since.get(entry.id);
    if (!late.has(entry.id) || !writing() || (typed && here >= enough)) read.add(entry.dataset.position);
  }
  let moved = false;
  for (const entry of waiting) {
    if (!read.delete(entry.dataset.position)) break; // what is not seen is not skipped
    raise(Number(entry.dataset.position));
    sight.unobserve(entry);
    moved = true;
  }
  say();
  if (moved) look();
}

// ---- who wrote meanwhile

const writing = () => [...document.querySelectorAll("#composer textarea")].some((field) => field.value.trim());

function say() {
  const line = document.querySelector("[data-meanwhile]");
  if (!line) return;
  const unseen = writing() ? news() : [];
  line.hidden = !unseen.length;
  if (!unseen.length) return;
  const names = [...new Set(unseen.map((entry) => entry.querySelector(".message__author")?.textContent ?? ""))];
  const words = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)} wrote` :
    `${names[0]} ${unseen.every((entry) => entry.dataset.kind === "note") ? "left a note" : "answered"}`;
  const link = line.querySelector("a");
  const text = `${words} while you were writing`;
  if (link.textContent !== text) link.textContent = text;
  link.hash = unseen[0].id;
}

function watch() {
  const refused = document.querySelector(".moved:not([data-shown])");
  if (refused) {
    refused.dataset.shown = "";
    refused.scrollIntoView({ block: "nearest" });
  }
  raise(seenTo());
  for (const entry of news()) {
    if (!known.has(entry.id) && writing()) late.add(entry.id);
    known.add(entry.id);
    sight.observe(entry);
  }
  look();
}

if (thread && fields().length) {
  watch();
  document.addEventListener("htmx:after:swap", watch);
  document.addEventListener("input", (event) => { if (event.target.closest("#composer")) look(true); });
  document.addEventListener("visibilitychange", () => {
    since.clear();
    sight.disconnect();
    if (!document.hidden) watch(); // what stands there counts from now on
  });
}
