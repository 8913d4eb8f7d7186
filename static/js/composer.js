// After a message was sent: the hand is free again, so that the next key is a command and no letter of another
// message (n would begin a reply with an n), and what was sent is in sight. Words somebody else sends move nothing.
let sent = false;

document.addEventListener("draft:sent", (event) => {
  const form = event.target;
  if (!form.closest(".composer")) return;
  sent = true;
  if (form.contains(document.activeElement)) document.activeElement.blur();
});

document.addEventListener("htmx:after:swap", () => {
  if (!sent) return;
  sent = false;
  document.querySelector("#timeline > :last-child")?.scrollIntoView({ block: "nearest" });
});
