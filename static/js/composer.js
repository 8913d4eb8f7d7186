// The composer beyond what a form does: what happens after something was sent, a reply that can still be taken back, the
// statuses that can go with one, and words that come from elsewhere.

// ---- after a message was sent: the hand is free again, so that the next key is a command and no letter of another
// message (n would begin a reply with an n), and what was sent is in sight. Words somebody else sends move nothing.
let sent = false;
let eager = false; // whoever types on while the answer is on its way goes on writing: their letters are no commands

document.addEventListener("keydown", (event) => {
  if (event.target.matches?.(".composer textarea")) eager = event.target.readOnly && event.key.length === 1 && !event.ctrlKey && !event.metaKey;
});

document.addEventListener("draft:sent", (event) => {
  const form = event.target;
  if (!form.closest(".composer")) return;
  sent = true;
  for (const menu of form.querySelectorAll("details[open]")) menu.open = false;
  if (form.contains(document.activeElement) && !eager) document.activeElement.blur();
  eager = false;
});

document.addEventListener("htmx:after:swap", () => {
  if (!sent) return;
  sent = false;
  const held = document.querySelector("#ticket-sending > .sending__mine");
  const shown = held ?? document.querySelector("#timeline > :last-child");
  if (!shown) return;
  shown.scrollIntoView({ block: "nearest" });
  if (document.activeElement !== document.body) return;
  shown.tabIndex = -1;
  shown.focus({ preventScroll: true });
});

// ---- how long a reply can be taken back

let ticking;
const ends = new WeakMap(); // element -> {left, at}

function count() {
  const all = document.querySelectorAll("[data-left]");
  for (const one of all) {
    let end = ends.get(one);
    if (end?.left !== one.dataset.left) ends.set(one, end = { left: one.dataset.left, at: performance.now() + Number(one.dataset.left) });
    const seconds = Math.ceil((end.at - performance.now()) / 1000);
    const words = seconds > 0 ? `${seconds} s` : "";
    if (one.textContent !== words) one.textContent = words;
  }
  if (!all.length) ticking = clearInterval(ticking);
  else ticking ??= setInterval(count, 200);
}
count();
document.addEventListener("htmx:after:swap", count);

// What was taken back is where one writes, and so is the caret.
let back = false;
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.response?.status === 200 && ctx.sourceElement?.matches?.("form[data-undo]")) back = true;
});
document.addEventListener("htmx:after:swap", () => {
  if (!back) return;
  back = false;
  document.getElementById("composer-tab-reply")?.click();
  const field = document.getElementById("composer-text-reply");
  field?.focus();
  field?.setSelectionRange(field.value.length, field.value.length);
});

// ---- the statuses that can go with a reply are those that the ticket can have now

function fit() {
  const choice = document.getElementById("prop-status");
  if (!choice) return;
  const now = document.getElementById("seen-status")?.value;
  const next = [...choice.options].map((option) => option.value);
  for (const button of document.querySelectorAll("#composer-form-reply .split__menu button[name=then]")) {
    button.hidden = button.value === now || !next.includes(button.value);
  }
}
fit();
document.addEventListener("htmx:after:swap", fit);

// ---- preview

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-preview]");
  if (!button) return;
  const form = button.form ?? button.closest("form");
  const field = form.querySelector("textarea");
  const shown = form.querySelector("[data-preview-text]");
  const on = button.getAttribute("aria-pressed") !== "true";
  if (on) {
    const answer = await fetch(button.dataset.preview, { method: "POST", body: new URLSearchParams({ content: field.value }) }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    shown.innerHTML = await answer.text(); // made by the sanitiser that makes every message
  }
  button.setAttribute("aria-pressed", String(on));
  shown.hidden = !on;
  field.closest(".field").hidden = on;
  for (const mark of form.querySelectorAll("[data-mark]")) mark.disabled = on;
  if (on) button.focus();
  else field.focus();
});

// A key that leads to the text leads out of the preview too.
document.addEventListener("focusin", (event) => {
  const tab = event.target.closest("[role=tab][aria-controls^=composer]");
  const form = tab && document.getElementById(tab.getAttribute("aria-controls"))?.querySelector("form");
  form?.querySelector("[data-preview][aria-pressed=true]")?.click();
});

// ---- words from elsewhere: dispatch composer:insert {text} on the composer or on one of its forms, and they stand
// where the caret is

export function insert(field, text, from = 0, to = text.length) {
  field.focus();
  const start = field.selectionStart;
  // The one way to insert that can be undone; without it the words still come.
  if (!document.execCommand(text ? "insertText" : "delete", false, text)) {
    field.setRangeText(text, start, field.selectionEnd, "end");
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  field.setSelectionRange(start + from, start + to);
}

document.addEventListener("composer:insert", (event) => {
  const box = event.target;
  const field = box.matches("textarea") ? box : box.querySelector(":not([hidden]) > form textarea") ?? box.querySelector("textarea");
  if (!field) return;
  const { text } = event.detail;
  insert(field, text, text.length);
});

// ---- pictures that were pasted or dropped stand where the caret was, and go from there when they are taken away

const plain = (name) => name.replace(/\.[^.]*$/, "").replace(/[\[\]\\`*_<>]/g, " ").trim() || "picture";
const placeOf = (file) => `![${plain(file.name)}](attachment:${encodeURIComponent(file.name).replace(/[()*']/g, (c) => `%${c.charCodeAt(0).toString(16)}`)})`;
const isPicture = (file) => /^image\/(png|jpeg|gif|webp)$/.test(file.type);

document.addEventListener("upload:put", (event) => {
  const field = event.target;
  if (!field.matches(".composer textarea") || !field.checkVisibility()) return;
  const text = event.detail.files.filter(isPicture).map((file) => `${placeOf(file)}\n`).join("");
  if (!text) return;
  const start = field.selectionStart;
  const line = start === 0 || field.value[start - 1] === "\n" ? "" : "\n";
  insert(field, line + text, line.length + text.length);
});

document.addEventListener("upload:removed", (event) => {
  const field = event.target.closest(".composer form")?.querySelector("textarea");
  const place = field && placeOf(event.detail.file);
  const at = field ? field.value.indexOf(place) : -1;
  if (at < 0) return;
  field.setSelectionRange(at, at + place.length + (field.value[at + place.length] === "\n" ? 1 : 0));
  insert(field, "");
});
