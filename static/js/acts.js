// Times that somebody writes are of their own zone: forms with data-zone tell the server which that is.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("form[data-zone]")) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) event.formData.set("zone", zone);
});

// A line that opens leads into its form: [data-act].
document.addEventListener("toggle", (event) => {
  if (!event.target.matches("details[data-act][open]")) return;
  const form = event.target.querySelector("form");
  (form.querySelector("[aria-invalid=true]") ?? form.querySelector("input:not([type=hidden]), select, textarea, button"))?.focus();
}, true);
