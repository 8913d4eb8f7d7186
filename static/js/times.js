// <time data-time="relative|exact">: the server writes UTC, the reader sees their own zone.
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

function relative(when, now) {
  const minutes = Math.floor((now - when) / 60000);
  if (minutes < 1) return "now"; // also for a clock that runs behind the server's
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  if (minutes < 7 * 24 * 60) return `${Math.floor(minutes / 1440)} d`;
  return (when.getFullYear() === now.getFullYear() ? day : dayOfYear).format(when);
}

function show() {
  const now = new Date();
  for (const time of document.querySelectorAll("time[data-time]")) {
    const when = new Date(time.dateTime);
    if (isNaN(when)) continue;
    const text = time.dataset.time === "exact" ? exact.format(when) : relative(when, now);
    if (time.textContent !== text) time.textContent = text; // an equal write would still disturb a selection
    if (!time.title) time.title = full.format(when);
  }
}

show();
setInterval(show, 20000);
document.addEventListener("htmx:after:swap", show);
document.addEventListener("visibilitychange", () => { if (!document.hidden) show(); });
