// Who is at which ticket, as marks in the rows of lists: made from the region #presences, set anew after every swap,
// since a row that is morphed loses what the server does not know. A mark lies over its row and moves nothing.
const me = document.documentElement.dataset.person;

function unmark() {
  for (const mark of document.querySelectorAll("[data-mark]")) mark.remove();
}

function mark() {
  unmark();
  const at = new Map();
  for (const one of document.querySelectorAll("#presences > [data-at]")) {
    if (one.dataset.whom !== me) at.set(one.dataset.at, [...(at.get(one.dataset.at) ?? []), one]);
  }
  for (const [number, people] of at) {
    for (const row of document.querySelectorAll(`[data-rows] [data-row="${CSS.escape(number)}"]`)) {
      const place = row.querySelector("a[href]")?.parentElement;
      place?.prepend(make(people));
    }
  }
}

function make(people) {
  const words = people.map((one) => one.lastElementChild.textContent).join(", ");
  const mark = document.createElement("span");
  mark.className = "row-presence";
  mark.dataset.mark = "";
  mark.title = words;
  if (people.some((one) => "writing" in one.dataset)) mark.dataset.writing = "";
  for (const one of people.slice(0, 2)) mark.append(one.firstElementChild.cloneNode(true));
  const said = document.createElement("span");
  said.className = "visually-hidden";
  said.textContent = `${words}. `;
  mark.append(said);
  return mark;
}

if (document.getElementById("presences")) {
  mark();
  document.addEventListener("htmx:before:swap", unmark, true); // before regions.js copies rows
  document.addEventListener("htmx:after:swap", mark);
  document.addEventListener("htmx:finally:swap", mark);
}
