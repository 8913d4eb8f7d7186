// Times that somebody writes are of their own zone: forms with data-zone tell the server which that is.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("form[data-zone]")) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) event.formData.set("zone", zone);
});

// A line that opens leads into its form: [data-act]. At once, and not on its toggle event, which comes later: what
// is typed meanwhile would be taken for shortcuts.
document.addEventListener("click", (event) => {
  const act = event.target.closest("details[data-act] > summary")?.parentElement;
  if (!act) return;
  event.preventDefault();
  act.open = !act.open;
  if (!act.open) return;
  for (const other of document.querySelectorAll("details[data-act][open]")) {
    if (other !== act && ![...other.querySelectorAll("textarea, input:not([type=hidden])")].some((field) => field.value !== field.defaultValue)) other.open = false;
  }
  (act.querySelector("[aria-invalid=true]") ?? act.querySelector("form :is(input:not([type=hidden]), select, textarea, button)"))?.focus();
});
