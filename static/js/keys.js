// Shortcuts press visible controls: data-key="r", or "g q" for one key after the other. A control that
// is absent, hidden or disabled takes its key with it. ? shows what this page has.
const root = document.documentElement;
const typed = "input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=file]), textarea, select, [contenteditable]";
let prefix = "";
let forget;

function scope() {
  return document.querySelector("dialog:modal") ?? document;
}

function find(keys) {
  return [...scope().querySelectorAll(`[data-key="${CSS.escape(keys)}"]`)]
    .find((control) => control.checkVisibility({ visibilityProperty: true }) && !control.matches(":disabled, [aria-disabled=true]"));
}

// press does what a press of the control's key does.
export function press(control) {
  if (control.matches("input, select, textarea")) control.focus();
  else {
    control.focus({ preventScroll: true });
    control.click();
  }
}

document.addEventListener("keydown", (event) => {
  // 229: an input method is composing, which some browsers say only so
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
  const { target, key } = event;

  if (key === "Enter" && (event.metaKey || event.ctrlKey)) {
    const form = target.closest("form");
    if (form && target.matches("textarea, input")) {
      event.preventDefault();
      const resolve = event.shiftKey && form.querySelector("button[name=then][value=resolved]:not([hidden])");
      form.requestSubmit(resolve || form.querySelector("[data-send]"));
    }
    return;
  }
  if (event.metaKey || event.ctrlKey || event.altKey) return;
  if (target.closest(typed)) {
    if (key === "Escape") target.blur(); // out of the field first; a second press goes back
    return;
  }
  if (root.dataset.keys === "off") return;
  if (key === "Escape" && document.querySelector("details[data-menu][open], dialog[open]")) return;

  const keys = prefix ? `${prefix} ${key}` : key;
  prefix = "";
  clearTimeout(forget);
  const control = find(keys);
  if (control) {
    event.preventDefault();
    press(control);
  } else if (keys === key && document.querySelector(`[data-key^="${CSS.escape(key)} "]`)) {
    prefix = key;
    forget = setTimeout(() => { prefix = ""; }, 1500);
  }
});

// ---- the help sheet, made from the page as it is

function words(control) {
  if (control.getAttribute("aria-label") || control.title) return control.getAttribute("aria-label") || control.title;
  if (control.labels?.length) return control.labels[0].textContent.trim();
  const copy = control.cloneNode(true);
  for (const extra of copy.querySelectorAll("kbd, .count")) extra.remove();
  return copy.textContent.trim();
}

// actions are the controls of the page that have a key, as they are pressed: {keys, words, control}.
export function actions() {
  return [...document.querySelectorAll("[data-key]")].filter((control) => find(control.dataset.key) === control)
    .map((control) => ({ keys: control.dataset.key, words: words(control), control }));
}

function lines() {
  const out = new Map(actions().map((action) => [action.keys, action.words]));
  if (document.querySelector("[data-palette]")) out.set("⌘/Ctrl K", "Find or do anything");
  if (document.querySelector("[data-rows] [data-row]")) {
    out.set("j", "Next row");
    out.set("k", "Previous row");
    out.set("o", "Open the row");
    if (document.querySelector("[data-select]")) {
      out.set("x", "Select the row");
      out.set("⇧ x", "Select all from the last to this row");
    }
  }
  if (document.querySelector("textarea")) out.set("⌘/Ctrl ↵", "Send what you are writing");
  if (document.querySelector("button[name=then][value=resolved]:not([hidden])")) out.set("⌘/Ctrl ⇧ ↵", "Send and resolve");
  return out;
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-help]")) return;
  let sheet = document.getElementById("help");
  if (!sheet) {
    document.body.append(document.getElementById("help-sheet").content.cloneNode(true));
    sheet = document.getElementById("help");
  }
  const list = sheet.querySelector("[data-help-list]");
  list.replaceChildren();
  for (const [keys, text] of lines()) {
    const term = document.createElement("dt");
    term.textContent = text;
    const keyboard = document.createElement("dd");
    for (const key of keys.startsWith("⌘") ? [keys] : keys.split(" ")) {
      const cap = document.createElement("kbd");
      cap.className = "kbd";
      cap.textContent = key === "Escape" ? "Esc" : key;
      keyboard.append(cap);
    }
    list.append(term, keyboard);
  }
  sheet.showModal();
});
