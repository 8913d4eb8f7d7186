// What happened behind the reader's back: the tab says how much, until it is looked at.
let count = 0;
let plain = ""; // the title without the mark
let shown = "";

export function add() {
  count++;
  mark();
}

export function clear() {
  if (!count) return;
  count = 0;
  mark();
}

function mark() {
  if (document.title !== shown) plain = document.title; // a swap has given it another
  document.title = shown = count ? `(${count}) ${plain}` : plain;
  const icon = document.querySelector("link[rel=icon]");
  icon.href = icon.href.replace(/(-news)?\.svg$/, count ? "-news.svg" : ".svg");
}

document.addEventListener("htmx:finally:swap", () => { if (count) mark(); });
