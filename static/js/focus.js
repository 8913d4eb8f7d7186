// Where the focus goes when what had it is swapped away: to what has taken its place, or else to the nearest thing
// that is still there. It never falls to the start of the page. What was left on purpose, a field by Escape, is left.
let last = null; // {element, id, row, place, key, around}: what has, or had, the focus

document.addEventListener("focusin", ({ target }) => {
  const row = target.closest("[data-row]");
  const around = [];
  for (let e = target.parentElement; e; e = e.parentElement) if (e.id) around.push(e.id);
  last = {
    element: target, around,
    id: target.id,
    key: target.dataset.key,
    name: target.getAttribute("name"),
    row: row?.dataset.row,
    place: row ? siblings(row).indexOf(row) : -1,
  };
});

const siblings = (row) => [...row.parentElement.children].filter((other) => other.hasAttribute("data-row"));
const there = (e) => e?.isConnected && e.checkVisibility({ visibilityProperty: true }) && !e.matches(":disabled");
const link = (row) => row?.querySelector("a[href], button:not(:disabled)");

function successor() {
  const { id, key, name, row, place, around } = last;
  const home = around.map((other) => document.getElementById(other)).find(there) ?? document.getElementById("main");
  if (!home) return null;
  const candidates = [id && document.getElementById(id)];
  if (key) candidates.push(home.querySelector(`[data-key="${CSS.escape(key)}"]`));
  if (name) candidates.push(home.querySelector(`[name="${CSS.escape(name)}"]:not([type=hidden])`));
  if (row) {
    const rows = [...home.querySelectorAll("[data-row]")];
    candidates.push(link(rows.find((other) => other.dataset.row === row)), link(rows[Math.min(place, rows.length - 1)]));
  }
  return candidates.find(there) ?? home;
}

// A morph takes the tabindex that was given to something here, and with it, at the next frame, its focus.
const bare = (e) => e !== document.body && e.tabIndex === -1 && !e.hasAttribute("tabindex");

function keep() {
  const { activeElement } = document;
  if (activeElement && activeElement !== document.body) {
    if (bare(activeElement)) activeElement.tabIndex = -1;
    return;
  }
  if (!last) return;
  const still = there(last.element);
  if (still && !bare(last.element)) return;
  const next = still ? last.element : successor();
  if (!next) return;
  if (bare(next)) next.tabIndex = -1;
  next.focus({ preventScroll: true });
}

function swapped() {
  keep();
  requestAnimationFrame(() => requestAnimationFrame(keep));
}

document.addEventListener("htmx:finally:swap", swapped);
document.addEventListener("htmx:finally:request", swapped);
