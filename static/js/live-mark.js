// The mark in the tab: a number before its title, and a dot on its icon. It counts what this person has been told and
// not read yet, on any device; where there is nothing of that, what happened on the page while nobody looked at it.
let unread = 0;
let unseen = 0;
let title = ""; // without the mark
let marked = "";

// setUnread says how much is unread; words is that as a person reads it.
export function setUnread(words) {
  unread = words;
  mark();
}

// countUnseen says that something happened behind the reader's back; clearUnseen that the reader looks.
export function countUnseen() {
  if (!document.hidden) return;
  unseen++;
  mark();
}

export function clearUnseen() {
  if (!unseen) return;
  unseen = 0;
  mark();
}

function mark() {
  if (document.title !== marked) title = document.title; // a swap has given it another
  const number = unread || unseen;
  document.title = marked = number ? `(${number}) ${title}` : title;
  const icon = document.querySelector("link[rel=icon]");
  icon.href = icon.href.replace(/(-news)?\.svg$/, number ? "-news.svg" : ".svg");
}

document.addEventListener("htmx:finally:swap", () => { if (unread || unseen) mark(); });
