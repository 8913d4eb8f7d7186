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
    .map((control) => ({ keys: control.dataset.key, words: (control.dataset.key === "Escape" ? "Back to " : "") + words(control), control }));
}

// groups are what the sheet lists: by their headings, pairs of keys and words.
function groups() {
  const here = [], list = [], writing = [], go = [], everywhere = [];
  for (const { keys, words, control } of actions()) {
    (keys.startsWith("g ") ? go : control.closest("main") ? here : everywhere).push([keys, words]);
  }
  if (document.querySelector("[data-palette]")) everywhere.push(["⌘/Ctrl K", "Find or do anything"]);
  if (document.querySelector("[data-rows] [data-row]")) {
    list.push(["j", "Next row"], ["k", "Previous row"], ["o", "Open the row"]);
    if (document.querySelector("[data-select]")) list.push(["x", "Select the row"], ["⇧ x", "Select all from the last to this row"]);
  }
  if (document.querySelector("textarea")) writing.push(["⌘/Ctrl ↵", "Send what you are writing"]);
  if (document.querySelector("button[name=then][value=resolved]:not([hidden])")) writing.push(["⌘/Ctrl ⇧ ↵", "Send and resolve"]);
  if (document.querySelector("textarea[data-marks]")) writing.push(["⌘/Ctrl B", "Bold"], ["⌘/Ctrl I", "Italic"], ["⌘/Ctrl K", "Link"]);
  return Object.entries({ "On this page": here, "In the list": list, "While you write": writing, "Go to": go, Everywhere: everywhere })
    .filter(([, lines]) => lines.length);
}

function caps(keys) {
  const keyboard = document.createElement("dd");
  for (const key of keys.startsWith("⌘") ? [keys] : keys.split(" ")) {
    const cap = document.createElement("kbd");
    cap.className = "kbd";
    cap.textContent = key === "Escape" ? "Esc" : key;
    keyboard.append(cap);
  }
  return keyboard;
}

function section([heading, lines]) {
  const part = document.createElement("section");
  const title = document.createElement("h3");
  const list = document.createElement("dl");
  title.className = "keys__title";
  title.textContent = heading;
  list.className = "keys__list";
  for (const [keys, text] of lines) {
    const term = document.createElement("dt");
    term.textContent = text;
    list.append(term, caps(keys));
  }
  part.append(title, list);
  return part;
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-help]")) return;
  let sheet = document.getElementById("help");
  if (!sheet) {
    document.body.append(document.getElementById("help-sheet").content.cloneNode(true));
    sheet = document.getElementById("help");
  }
  sheet.querySelector("[data-help-list]").replaceChildren(...groups().map(section));
  sheet.showModal();
});
