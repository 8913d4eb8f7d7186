// Lists by keyboard: [data-rows] holds [data-row]s, each with one link. Focus itself is the mark, so
// Enter opens, the screen reader reads, and nothing has to be kept.
const root = document.documentElement;
const typing = "input, textarea, select, [contenteditable]";

function rows() {
  return [...document.querySelectorAll("[data-rows] [data-row]")].filter((row) => row.querySelector("a[href]"));
}

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
  const link = all[next].querySelector("a[href]");
  link.focus({ preventScroll: true });
  all[next].scrollIntoView({ block: "nearest" });
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.target.closest(typing) || document.querySelector("dialog[open]")) return;
  const inside = event.target.closest("[data-rows] [data-row]");
  const single = root.dataset.keys !== "off";
  let done = false;
  if ((single && event.key === "j") || (inside && event.key === "ArrowDown")) done = move(1);
  else if ((single && event.key === "k") || (inside && event.key === "ArrowUp")) done = move(-1);
  else if (inside && event.key === "Home") done = move(-Infinity);
  else if (inside && event.key === "End") done = move(Infinity);
  else if (single && inside && event.key === "o") {
    inside.querySelector("a[href]").click();
    done = true;
  }
  if (done) event.preventDefault();
});
