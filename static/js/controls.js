// Small controls that HTML has no element for, or that older browsers lack.

// ---- tabs: [role=tab][aria-controls]; a shortcut presses the tab and lands in its text

function choose(tab) {
  for (const other of tab.closest("[role=tablist]").querySelectorAll("[role=tab]")) {
    const mine = other === tab;
    other.setAttribute("aria-selected", String(mine));
    other.tabIndex = mine ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !mine;
  }
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest("[role=tab]");
  if (!tab) return;
  choose(tab);
  document.getElementById(tab.getAttribute("aria-controls")).querySelector("textarea")?.focus();
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[role=tab]");
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || !step) return;
  const all = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
  const next = all[(all.indexOf(tab) + step + all.length) % all.length];
  event.preventDefault();
  choose(next);
  next.focus();
});

// ---- menus: <details data-menu> closes when one turns away from it

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (menu !== except) menu.open = false;
  }
}
document.addEventListener("click", (event) => closeMenus(event.target.closest("details[data-menu]")));
document.addEventListener("focusin", (event) => closeMenus(event.target.closest("details[data-menu]")));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details[data-menu][open]");
  if (!menu) return;
  event.preventDefault();
  menu.open = false;
  menu.querySelector("summary").focus();
});

// ---- dialogs, where the browser does not know command= yet

if (!("command" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    if (button) document.getElementById(button.getAttribute("commandfor"))?.showModal();
  });
}

// ---- values to take along

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  const word = button.querySelector("[data-done]");
  try {
    await navigator.clipboard.writeText(field.value);
    const before = word.textContent;
    word.textContent = word.dataset.done;
    setTimeout(() => { word.textContent = before; }, 2000);
  } catch {
    field.select(); // no clipboard outside a secure context: the person copies it
  }
});
document.addEventListener("focusin", (event) => { if (event.target.matches("[data-select]")) event.target.select(); });

// ---- forms that show their button once something has changed

// usual is the option that a select was sent with; of two that are marked browsers take the last.
const usual = (select) => Math.max(0, [...select.options].findLastIndex((option) => option.defaultSelected));
const chosen = (select) => select.selectedIndex !== usual(select);

function dirty(form) {
  return [...form.elements].some((field) => field.options
    ? chosen(field)
    : field.type !== "hidden" && field.defaultValue !== field.value);
}
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-dirty-watch]");
  form?.toggleAttribute("data-dirty", dirty(form));
});

// ---- filters send themselves. By arrow keys a select changes at every step: wait for the hand to rest.

document.addEventListener("formdata", (event) => {
  if (!event.target.matches("form[data-autosubmit]")) return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name); // short addresses
});

// A page that leaves before it has loaded is replaced in the history, and the way back would miss it.
const loaded = new Promise((resolve) => {
  if (document.readyState === "complete") resolve();
  else addEventListener("load", () => setTimeout(resolve), { once: true });
});
const send = (form) => loaded.then(() => form.requestSubmit());

let arrows = false;
let pause;
document.addEventListener("keydown", (event) => { arrows = event.key.startsWith("Arrow"); }, true);
document.addEventListener("pointerdown", () => { arrows = false; }, true);
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-autosubmit]");
  if (!form || !event.target.matches("select, input[type=checkbox]")) return;
  clearTimeout(pause);
  pause = setTimeout(send, arrows ? 1200 : 0, form);
});
// What was chosen before this file came is a choice like any other. What a browser keeps of an earlier visit is none:
// the list is then the one from before the choice, and so is what the selects say.
const filters = () => [...document.querySelectorAll("form[data-autosubmit] select")];
const early = filters().find(chosen);
if (early) send(early.form);
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const select of filters()) select.selectedIndex = usual(select);
});
