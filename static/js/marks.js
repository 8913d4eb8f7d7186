// Markdown by button and by key: [data-mark] in a form's toolbar, and Ctrl B, I and K in its text. What is marked already
// is unmarked. Everything can be undone as if it had been typed.
import { insert } from "./composer.js";

const around = { bold: ["**", "bold"], italic: ["*", "italic"], code: ["`", "code"] };
const before = { list: "- ", quote: "> " };

function mark(field, kind) {
  field.focus();
  const { selectionStart: start, selectionEnd: end, value } = field;
  const chosen = value.slice(start, end);
  if (kind === "link") {
    if (/^https?:\/\/\S+$/.test(chosen)) return insert(field, `[words](${chosen})`, 1, 6);
    const words = chosen || "words";
    return insert(field, `[${words}](https://)`, words.length + 3, words.length + 11);
  }
  if (kind in before) return lines(field, before[kind]);
  let [sign, words] = around[kind];
  if (kind === "code" && chosen.includes("\n")) return insert(field, `\`\`\`\n${chosen}\n\`\`\``, 4, 4 + chosen.length);
  if (value.slice(0, start).endsWith(sign) && value.slice(end).startsWith(sign)) {
    field.setSelectionRange(start - sign.length, end + sign.length);
    return insert(field, chosen);
  }
  words = chosen || words;
  insert(field, sign + words + sign, sign.length, sign.length + words.length);
}

// lines begins each chosen line with the sign, or takes it away where each has it.
function lines(field, sign) {
  const { selectionStart, selectionEnd, value } = field;
  const start = value.lastIndexOf("\n", selectionStart - 1) + 1;
  const found = value.indexOf("\n", Math.max(selectionEnd - 1, selectionStart));
  const end = found < 0 ? value.length : found;
  const all = value.slice(start, end).split("\n");
  const has = all.every((line) => line.startsWith(sign));
  const text = all.map((line) => (has ? line.slice(sign.length) : sign + line)).join("\n");
  field.setSelectionRange(start, end);
  insert(field, text, all.length === 1 ? text.length : 0);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-mark]");
  const field = button?.closest("form").querySelector("textarea[data-marks]");
  if (field) mark(field, button.dataset.mark);
});
// The text keeps its selection, and the button does not take the focus away.
document.addEventListener("pointerdown", (event) => { if (event.target.closest("[data-mark]")) event.preventDefault(); });

const keys = { b: "bold", i: "italic", k: "link" };
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || !event.target.matches?.("textarea[data-marks]")) return;
  const kind = keys[event.key.toLowerCase()];
  if (!kind) return;
  event.preventDefault();
  event.stopPropagation(); // K is the palette's everywhere else
  mark(event.target, kind);
}, true);

// ---- one stop for the tab key, arrows within

document.addEventListener("keydown", (event) => {
  const bar = event.target.closest?.("[data-tools]");
  const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
  if (!bar || !step) return;
  const all = [...bar.querySelectorAll("button:not(:disabled)")];
  const at = all.indexOf(event.target);
  const next = all[Math.abs(step) === Infinity ? (step < 0 ? 0 : all.length - 1) : (at + step + all.length) % all.length];
  event.preventDefault();
  for (const button of bar.querySelectorAll("button")) button.tabIndex = button === next ? 0 : -1;
  next.focus();
});
