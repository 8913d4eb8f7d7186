// The bar that tells of a bulk change. Its region fetches itself on the topic "bulk"; a page that was opened while one
// was under way fetches it at once, and one that was closed stays closed.
const region = () => document.getElementById("bulk-bar");
const read = (key) => { try { return sessionStorage.getItem(key); } catch { return null; } };
const write = (key, value) => { try { sessionStorage.setItem(key, value); } catch { /* then it is shown once more */ } };

function look() {
  const bar = region()?.querySelector("[data-bulk]");
  if (bar) {
    bar.toggleAttribute("data-closed", read("bulk-closed") === bar.dataset.bulk && bar.dataset.state !== "running");
    write("bulk-shown", bar.hasAttribute("data-closed") ? "" : bar.dataset.bulk);
  } else if (region()) write("bulk-shown", "");
}

document.addEventListener("htmx:after:swap", look);
document.addEventListener("click", (event) => {
  const bar = event.target.closest("[data-bulk-close]")?.closest("[data-bulk]");
  if (!bar) return;
  write("bulk-closed", bar.dataset.bulk);
  look();
});

addEventListener("load", () => {
  const bar = region();
  if (bar && read("bulk-shown")) window.htmx.ajax("GET", bar.dataset.src, { source: bar, target: bar, swap: "outerMorph" });
});
