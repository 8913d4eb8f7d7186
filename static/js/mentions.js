// @ in a text [data-mentions] lists colleagues. It is there to choose from and takes no letter away: whoever goes on
// typing writes on. The focus stays in the text; arrows choose, Enter and Tab take, Escape closes.
import { insert } from "./composer.js";

let people; // a promise of the list
let asked = 0;
let open; // {field, from, list, found, at}

function colleagues(src) {
  if (!people || Date.now() - asked > 60000) {
    asked = Date.now();
    people = fetch(src, { headers: { Accept: "application/json" } }).then((answer) => (answer.ok ? answer.json() : [])).catch(() => []);
  }
  return people;
}

// begun is what stands between an @ that begins a word and the caret.
function begun(field) {
  if (field.selectionStart !== field.selectionEnd) return null;
  const text = field.value.slice(0, field.selectionStart);
  const match = /(?:^|[^\p{L}\p{N}])@([\p{L}\p{N}.'’_-]*(?: [\p{L}\p{N}.'’_-]*){0,2})$/u.exec(text);
  return match ? { from: text.length - match[1].length - 1, words: match[1].toLowerCase() } : null;
}

function fits(person, words) {
  if (!words) return true;
  const name = person.name.toLowerCase();
  return name.startsWith(words) || person.email.toLowerCase().startsWith(words) || name.split(/\s+/).some((part) => part.startsWith(words));
}

async function look(field) {
  const start = begun(field);
  if (!start) return close();
  const all = await colleagues(field.dataset.mentions);
  const now = document.activeElement === field && begun(field);
  if (!now || now.from !== start.from) return;
  const found = all.filter((person) => fits(person, now.words)).slice(0, 6);
  // A whole name stands there: there is nothing left to choose.
  if (!found.length || found.length === 1 && found[0].mention.toLowerCase() === now.words) return close();
  show(field, now.from, found, now.words ? 0 : -1);
}

function show(field, from, found, at) {
  if (open?.field !== field) {
    close();
    const list = document.createElement("ul");
    list.id = `${field.id}-people`;
    list.className = "mentions";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Colleagues to mention");
    field.closest(".composer__text").append(list);
    open = { field, list };
  }
  Object.assign(open, { from, found, at });
  open.list.replaceChildren(...found.map((person, n) => {
    const item = document.createElement("li");
    item.id = `${open.list.id}-${n}`;
    item.className = "mentions__one";
    item.setAttribute("role", "option");
    const name = document.createElement("span");
    name.textContent = person.name;
    const address = document.createElement("span");
    address.className = "mentions__address";
    address.textContent = person.email;
    item.append(name, address);
    item.addEventListener("pointerdown", (event) => { // before the text loses the focus
      event.preventDefault();
      take(n);
    });
    return item;
  }));
  field.setAttribute("aria-controls", open.list.id);
  choose(at);
}

function choose(at) {
  open.at = at;
  [...open.list.children].forEach((item, n) => item.setAttribute("aria-selected", String(n === at)));
  if (at >= 0) open.field.setAttribute("aria-activedescendant", `${open.list.id}-${at}`);
  else open.field.removeAttribute("aria-activedescendant");
}

function take(n) {
  const { field, from, found } = open;
  close();
  field.setSelectionRange(from, field.selectionStart);
  const text = `@${found[n].mention} `;
  insert(field, text, text.length);
  close();
}

function close() {
  if (!open) return;
  open.list.remove();
  open.field.removeAttribute("aria-activedescendant");
  open.field.removeAttribute("aria-controls");
  open = null;
}

document.addEventListener("input", (event) => { if (event.target.matches("textarea[data-mentions]")) look(event.target); });
document.addEventListener("focusout", (event) => { if (open?.field === event.target) close(); });
document.addEventListener("htmx:before:swap", () => { if (open && !open.field.isConnected) close(); });

// Capturing: while the list is open these keys are its own, before the shortcuts and the text have them.
document.addEventListener("keydown", (event) => {
  if (!open || event.target !== open.field || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const { key } = event;
  const last = open.found.length - 1;
  if (key === "ArrowDown") choose(open.at < last ? open.at + 1 : 0);
  else if (key === "ArrowUp") choose(open.at > 0 ? open.at - 1 : last);
  else if ((key === "Enter" || key === "Tab") && !event.shiftKey && open.at >= 0) take(open.at);
  else if (key === "Escape") close();
  else {
    if (key.startsWith("Arrow") || key === "Home" || key === "End" || key === "Enter") close();
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}, true);
