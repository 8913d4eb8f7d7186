// The list that a ticket was opened from, for the ticket's page: what comes before and after it there, and the way
// back. A tab remembers one list, in the order in which the reader saw it.
const storedAs = "list";

function remembered() {
  try { return JSON.parse(sessionStorage.getItem(storedAs)); } catch { return null; }
}

// Before the click is followed: in the capturing phase nobody has done anything yet.
document.addEventListener("click", (event) => {
  const row = event.target.closest("a[href]")?.closest("[data-rows] [data-row]");
  if (!row || !/^\d+$/.test(row.dataset.row)) return;
  const rows = row.closest("[data-rows]");
  const page = (key) => document.querySelector(`.pager [data-key="${CSS.escape(key)}"]`)?.getAttribute("href");
  const list = {
    path: location.pathname + location.search,
    name: document.querySelector("main h1")?.textContent.trim(),
    tickets: [...rows.querySelectorAll("[data-row]")].map((other) => other.dataset.row).filter((number) => /^\d+$/.test(number)),
    before: page("["),
    after: page("]"),
  };
  try { sessionStorage.setItem(storedAs, JSON.stringify(list)); } catch { /* then there is no next one */ }
}, true);

function lead(link, href) {
  if (href) link.href = href;
  else {
    link.removeAttribute("href");
    link.setAttribute("aria-disabled", "true");
  }
}

const around = document.querySelector("[data-around]");
const list = around && remembered();
const at = list?.tickets.indexOf(around.dataset.around) ?? -1;
if (at >= 0) {
  const ticket = (n) => list.tickets[n] && `/tickets/${list.tickets[n]}`;
  lead(around.querySelector("[data-around-previous]"), ticket(at - 1) ?? list.before);
  lead(around.querySelector("[data-around-next]"), ticket(at + 1) ?? list.after);
  around.querySelector("[data-around-place]").textContent = `${at + 1} of ${list.tickets.length}${list.after || list.before ? " on the page" : ""}`;
  around.hidden = false;
  const back = document.querySelector(".crumbs a[data-key=Escape]");
  if (back) {
    back.href = list.path;
    back.textContent = list.name ?? back.textContent;
  }
}
