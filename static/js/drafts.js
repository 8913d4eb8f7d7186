// Unsent words survive: <form data-draft="ticket-1042-reply"> keeps its texts on this device, for this
// person, until they have been seen on a page. A form that is sent is only marked, because the answer
// may be an error page, a sign-in page or nothing at all.
import { drop, kept, open } from "./drafts-server.js";

const person = document.documentElement.dataset.person;
const prefix = `draft:${person}:`;
const month = 30 * 24 * 3600 * 1000;

function read(key) {
  try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
}
function write(key, draft) {
  try { localStorage.setItem(key, JSON.stringify(draft)); } catch { /* full or forbidden: the page still works */ }
}
function fields(form) {
  return [...form.elements].filter((f) => f.name && !f.disabled && f.matches("textarea, input[type=text], input[type=search]"));
}

function keep(form) {
  const texts = {};
  for (const field of fields(form)) if (field.value.trim()) texts[field.name] = field.value;
  if (Object.keys(texts).length) write(prefix + form.dataset.draft, { texts, at: Date.now(), known: kept(form) });
  else localStorage.removeItem(prefix + form.dataset.draft);
}

function restore(form) {
  const draft = read(prefix + form.dataset.draft);
  if (!draft) return;
  for (const field of fields(form)) {
    const text = draft.texts[field.name];
    if (text && !field.value) field.value = text; // what the server sent back is newer
  }
}

// The longest run of plain words: markup around them may have become tags on the page.
function run(texts) {
  return Object.values(texts).flatMap((t) => t.match(/[\p{L}\p{N} ,]+/gu) ?? []).map((r) => r.trim())
    .sort((a, b) => b.length - a.length)[0] ?? "";
}

function settle() {
  const shown = document.getElementById("main")?.innerText ?? "";
  const confirmed = new Set([...document.querySelectorAll("[data-draft-sent]")].map((e) => prefix + e.dataset.draftSent));
  for (const key of Object.keys(localStorage).filter((k) => k.startsWith("draft:"))) {
    const draft = read(key);
    const old = !draft || Date.now() - draft.at > month;
    const arrived = key.startsWith(prefix) && (confirmed.has(key) || (draft?.sent && shown.includes(run(draft.texts))));
    if (old || arrived) localStorage.removeItem(key);
    else if (draft.sent && key.startsWith(prefix)) write(key, { ...draft, sent: false });
  }
}

if (person) {
  settle();
  // What the server is known to have is told apart from what this device alone has.
  document.addEventListener("draft:kept", (event) => {
    const key = prefix + event.target.dataset.draft;
    const draft = read(key);
    if (draft) write(key, { ...draft, known: kept(event.target) });
  });

  // What was typed here before is no longer what is written here.
  document.addEventListener("draft:followed", (event) => {
    if (read(prefix + event.target.dataset.draft)) keep(event.target);
  });

  for (const form of document.querySelectorAll("form[data-draft]")) {
    if (form.dataset.draftSrc) open(form, read(prefix + form.dataset.draft));
    else restore(form);
  }

  let pause;
  const touched = new Set(); // only these: a form as the server sent it is no draft
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-draft]");
    if (!form) return;
    touched.add(form);
    clearTimeout(pause);
    pause = setTimeout(() => keep(form), 400);
  });
  addEventListener("pagehide", () => touched.forEach((form) => {
    if (form.isConnected && !read(prefix + form.dataset.draft)?.sent) keep(form);
  }));
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.draft) return;
    clearTimeout(pause);
    keep(form);
    const draft = read(prefix + form.dataset.draft);
    if (draft) write(prefix + form.dataset.draft, { ...draft, sent: true });
  });

  // Words written while the answer is on its way would go with the form that it empties.
  const lock = (event, on) => {
    const form = event.detail.ctx?.request?.form;
    if (form?.dataset?.draft) for (const field of fields(form)) field.readOnly = on;
  };
  document.addEventListener("htmx:before:request", (event) => lock(event, true));
  document.addEventListener("htmx:finally:request", (event) => lock(event, false));

  // Sent by htmx the answer is known: only a success that is no redirect to somewhere else empties the form.
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    const form = ctx.request.form;
    if (!form?.dataset?.draft || ctx.request.method === "GET") return;
    if (ctx.response.status < 300 && !new URL(ctx.response.raw.url).pathname.startsWith("/sign-in")) {
      localStorage.removeItem(prefix + form.dataset.draft);
      for (const field of fields(form)) field.defaultValue = ""; // it may have come with a draft
      form.reset();
      drop(form);
      form.dispatchEvent(new Event("draft:sent", { bubbles: true }));
    } else keep(form);
  });
}
