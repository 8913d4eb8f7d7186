// Drafts that the server keeps: <form data-draft-src> sends its text there as it is typed, and follows what the region
// #ticket-drafts says is there, from other devices. It replaces nothing that somebody has typed and that is nowhere
// else: what another draft says is offered beside it.
const states = new Map(); // data-draft -> {known, version, saving, held, next, timer, since, mine}

const pause = 800; // after the last key
const longest = 2500; // while the keys do not rest
const soon = 10000; // where nobody answered

const textOf = (form) => form.querySelector("textarea[name=content]");
const same = (a, b) => (a.trim() || b.trim() ? a === b : true);
const dirty = (form, state) => !same(textOf(form).value, state.known);

// onServer is the draft as the server had it when it made the region.
function onServer(form) {
  const draft = document.querySelector(`[data-draft-of="${CSS.escape(form.dataset.draft)}"]`);
  const region = draft?.closest("[data-version]");
  return region ? { text: draft.textContent, at: Date.parse(draft.dataset.at) || 0, version: Number(region.dataset.version) } : null;
}

// kept is the text that the server is known to have of a form; undefined where it keeps none.
export function kept(form) {
  return states.get(form.dataset.draft)?.known;
}

// open begins with the newer of what the server and what this device has. The page has the server's in it.
export function open(form, local) {
  const server = onServer(form);
  if (!server) return;
  const state = { known: server.text, version: server.version };
  states.set(form.dataset.draft, state);
  const field = textOf(form);
  const text = local?.texts?.content ?? "";
  if (!same(field.value, server.text)) { // a message that was refused, or typed before this file came: nobody has it but this page
    if (text !== local?.known && !field.value.includes(text.trim())) offer(form, text, local.at);
    return plan(form, state);
  }
  if (same(text, server.text)) form.dispatchEvent(new Event("draft:kept", { bubbles: true }));
  if (!text || same(text, server.text) || text === local.known) return;
  if (local.at > server.at) {
    field.value = text;
    if (!text.includes(server.text.trim())) offer(form, server.text, server.at);
    plan(form, state);
  } else if (!server.text.includes(text.trim())) offer(form, text, local.at);
}

// drop forgets the draft of a form that was sent. What was on its way to the server then comes too late there; once it
// has come, it is taken back.
export function drop(form) {
  const state = states.get(form.dataset.draft);
  if (!state) return;
  clearTimeout(state.timer);
  state.timer = 0;
  state.known = "";
  state.mine = false;
  conceal(form);
}

function plan(form, state) {
  state.since ||= Date.now();
  clearTimeout(state.timer);
  state.timer = setTimeout(() => save(form, state), Math.max(0, Math.min(pause, state.since + longest - Date.now())));
}

async function save(form, state, keepalive = false) {
  clearTimeout(state.timer);
  state.timer = state.since = 0;
  if (state.saving || state.held || !dirty(form, state)) return;
  const text = textOf(form).value;
  let unheard = true;
  state.saving = true;
  try {
    const body = new URLSearchParams({ id: form.elements.id.value, content: text, then: form.dataset.then ?? "" });
    const answer = await fetch(form.dataset.draftSrc, { method: "POST", body, keepalive });
    unheard = answer.status >= 500;
    if (!answer.ok || !answer.headers.get("Content-Type")?.includes("json")) throw new Error(answer.status);
    state.version = (await answer.json()).version;
    state.known = text;
    form.dispatchEvent(new Event("draft:kept", { bubbles: true }));
  } catch { /* this device has it; with the next key it is tried again, and by itself where nobody answered */ }
  state.saving = false;
  const next = state.next && document.querySelector(`form[action="${CSS.escape(state.next)}"]`);
  state.next = "";
  if (next) return next.requestSubmit();
  const live = document.querySelector(`form[data-draft="${CSS.escape(form.dataset.draft)}"]`);
  if (!live) return;
  if (state.known === text && dirty(live, state)) plan(live, state);
  else if (unheard) state.timer ||= setTimeout(() => save(live, state), soon * (0.5 + Math.random() / 2));
  follow(live);
}

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-draft-src]");
  const state = form && states.get(form.dataset.draft);
  if (!state || event.target !== textOf(form)) return;
  state.mine = true;
  plan(form, state);
});

document.addEventListener("submit", (event) => {
  const state = states.get(event.target.dataset?.draft);
  if (state) clearTimeout(state.timer);
}, true);

addEventListener("pagehide", () => {
  for (const form of document.querySelectorAll("form[data-draft-src]")) {
    const state = states.get(form.dataset.draft);
    // More than that no browser sends from a page that goes; this device has it.
    if (state && !form.matches(".htmx-request, [data-busy]")) save(form, state, textOf(form).value.length < 15000);
  }
});

// follow shows what the server has where it is newer than what the form is known to have there.
function follow(form, must = false) {
  const state = states.get(form.dataset.draft);
  const server = state && onServer(form);
  const field = textOf(form);
  if (!server || !must && (server.version <= state.version || state.saving || state.held || field.readOnly)) return;
  state.version = Math.max(state.version, server.version);
  if (!must && same(server.text, state.known)) return;
  const before = field.value;
  const news = server.text.trim();
  let followed = false;
  if (must || same(before, state.known)) {
    if (state.mine && !must && news && before.trim() && !server.text.includes(before.trim())) offer(form, before, Date.now());
    field.value = server.text;
    state.mine = false;
    followed = true;
  } else if (news && !before.includes(news)) offer(form, server.text, server.at);
  state.known = server.text;
  if (followed) form.dispatchEvent(new Event("draft:followed", { bubbles: true }));
  if (dirty(form, state)) plan(form, state);
}

// ---- what comes back, and what is thrown away

// setBy is the form whose draft another one sets: a form that takes a reply back, or throws a draft away.
const setBy = (form) => form?.matches?.("form[data-undo], form[data-discard]")
  ? document.querySelector(form.dataset.discard ? `form[data-draft="${CSS.escape(form.dataset.discard)}"]` : "#composer-form-reply[data-draft-src]") : null;
const stateOf = (form) => form && states.get(form.dataset.draft);
const settings = new WeakMap(); // htmx's ctx of such a request -> {draft, thrown, done}

// Until its answer is there nothing else is typed or kept, which would take the place of what it sets; and what is on
// its way comes first.
document.addEventListener("submit", (event) => {
  const state = stateOf(setBy(event.target));
  if (!state?.saving) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  state.next = event.target.getAttribute("action");
}, true);

// With the wish to undo goes what was typed since, so that what comes back can be put before it.
document.addEventListener("formdata", (event) => {
  const form = event.target.matches("form[data-undo]") && setBy(event.target);
  const state = stateOf(form);
  if (state && dirty(form, state)) event.formData.set("content", textOf(form).value);
});

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const form = setBy(ctx.sourceElement);
  const state = stateOf(form);
  if (!state) return;
  // As it was when that was pressed: before the answer comes, news of it may empty the field.
  settings.set(ctx, { draft: form.dataset.draft, thrown: ctx.sourceElement.dataset.discard ? textOf(form).value : undefined });
  state.held = textOf(form).readOnly = true;
});

document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const setting = settings.get(ctx);
  if (!setting || ctx.response.status >= 300) return;
  setting.done = true;
  if (setting.thrown !== undefined) localStorage.removeItem(`draft:${document.documentElement.dataset.person}:${setting.draft}`);
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const setting = settings.get(ctx);
  for (const form of document.querySelectorAll("form[data-draft-src]")) {
    const must = Boolean(setting?.done) && form.dataset.draft === setting.draft;
    follow(form, must);
    if (must && !textOf(form).value) offer(form, setting.thrown ?? "", 0);
  }
});

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  const setting = settings.get(ctx);
  const form = setting && document.querySelector(`form[data-draft="${CSS.escape(setting.draft)}"]`);
  const state = stateOf(form);
  if (!state) return;
  state.held = textOf(form).readOnly = false;
  follow(form);
  if (dirty(form, state)) plan(form, state);
});

// ---- the other text

const others = new Map(); // data-draft -> {text, at}

function clock(at) {
  const date = new Date(at);
  const time = date.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

function offer(form, text, at) {
  if (!text.trim()) return;
  others.set(form.dataset.draft, { text, at });
  const bar = form.querySelector("[data-other]");
  bar.querySelector("[data-other-words]").textContent = at ? `You wrote something else here at ${clock(at)}.` : "You threw a draft away.";
  bar.hidden = false;
}

function conceal(form) {
  others.delete(form.dataset.draft);
  form.querySelector("[data-other]").hidden = true;
}

document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-other-show], [data-other-close]")?.closest("form");
  const other = form && others.get(form.dataset.draft);
  if (!other) return;
  if (event.target.closest("[data-other-close]")) return conceal(form);
  const field = textOf(form);
  const before = field.value;
  field.focus();
  field.value = other.text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  if (before.trim()) offer(form, before, Date.now());
  else conceal(form);
});
