// Files beside a form: [data-upload] with a file input, a list and a place for the message. What is too
// much is said before anything is sent; the server checks again. Pictures may be pasted or dropped.
const chosen = new WeakMap(); // a second choice adds to the first, which the bare input would forget

function size(bytes) {
  return bytes < 999500 ? `${Math.max(1, Math.round(bytes / 1000))} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function set(input, files) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
  chosen.set(input, files);
  show(input.closest("[data-upload]"), input, files);
}

function add(input, files) {
  const before = chosen.get(input) ?? [];
  const same = (a, b) => a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;
  set(input, [...before, ...files.filter((file) => !before.some((b) => same(b, file)))]);
}

function complaint(box, files) {
  const most = Number(box.dataset.maxFiles);
  const limit = Number(box.dataset.maxBytes);
  const big = files.find((file) => file.size > limit);
  if (big) return `“${big.name}” is ${size(big.size)}. A file may have up to 25 MB.`;
  if (files.length > most) return `A message may carry ${most} files. Take ${files.length - most} away.`;
  return "";
}

// thumbnail draws a picture small. Onto a canvas: the page's policy lets no image come from a blob.
function thumbnail(file) {
  if (!/^image\/(png|jpeg|gif|webp)$/.test(file.type) || file.size > 25e6) return [];
  const canvas = document.createElement("canvas");
  canvas.className = "files__thumb";
  canvas.width = canvas.height = 64;
  canvas.setAttribute("aria-hidden", "true");
  createImageBitmap(file).then((picture) => {
    const side = Math.min(picture.width, picture.height);
    canvas.getContext("2d").drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, 64, 64);
    picture.close();
  }).catch(() => canvas.remove());
  return [canvas];
}

function show(box, input, files) {
  const limit = Number(box.dataset.maxBytes);
  box.querySelector("[data-upload-list]").replaceChildren(...files.map((file, at) => {
    const item = document.createElement("li");
    item.className = "files__item";
    if (file.size > limit) item.dataset.wrong = "";
    const name = document.createElement("span");
    name.className = "files__name";
    name.textContent = file.name;
    const weight = document.createElement("span");
    weight.className = "files__size";
    weight.textContent = size(file.size);
    const drop = document.createElement("button");
    drop.type = "button";
    drop.className = "files__drop";
    drop.textContent = "×";
    drop.setAttribute("aria-label", `Remove ${file.name}`);
    drop.addEventListener("click", () => {
      box.dispatchEvent(new CustomEvent("upload:removed", { bubbles: true, detail: { file } }));
      set(input, files.filter((_, other) => other !== at));
      input.focus();
    });
    item.append(...thumbnail(file), name, weight, drop);
    return item;
  }));
  const text = complaint(box, files);
  const error = box.querySelector("[data-upload-error]");
  error.textContent = text;
  error.hidden = !text;
  if (text) {
    error.id ||= `${input.id}-upload`;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", error.id);
  } else {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
}

document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.matches("[data-upload] input[type=file]")) add(input, [...input.files]);
});

// Capturing, so that neither the browser nor htmx sends what the server would refuse.
document.addEventListener("submit", (event) => {
  const wrong = event.target.querySelector("[data-upload] input[aria-invalid=true]");
  if (!wrong || !(chosen.get(wrong)?.length)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  wrong.focus();
}, true);

document.addEventListener("reset", (event) => {
  for (const input of event.target.querySelectorAll("[data-upload] input[type=file]")) set(input, []);
});

// Large files take longer than htmx's minute.
document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.request.form?.enctype === "multipart/form-data") ctx.request.timeout = 0;
});

function inputFor(target) {
  const form = target.closest("form") ?? target.closest("[data-drop]")?.querySelector(":not([hidden]) > form");
  return form?.querySelector("[data-upload] input[type=file]");
}

// put adds files that came by paste or drop; a text that can place pictures may do so (composer.js).
function put(field, input, files) {
  add(input, files);
  field?.dispatchEvent(new CustomEvent("upload:put", { bubbles: true, detail: { files } }));
}

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  const input = files.length && event.target.closest && inputFor(event.target);
  if (!input) return;
  event.preventDefault();
  const stamp = new Date().toTimeString().slice(0, 8).replaceAll(":", "");
  const before = chosen.get(input)?.length ?? 0;
  // every pasted picture is called image.png: give each a name of its own
  put(event.target, input, files.map((f, i) => (f.name === "image.png" ? new File([f], `pasted-${stamp}-${before + i + 1}.png`, { type: f.type }) : f)));
});

document.addEventListener("dragover", (event) => {
  const zone = event.target.closest?.("[data-drop]");
  if (!zone || !event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  zone.dataset.over = "";
});
document.addEventListener("dragleave", (event) => {
  const zone = event.target.closest?.("[data-drop]");
  if (zone && !zone.contains(event.relatedTarget)) delete zone.dataset.over;
});
document.addEventListener("drop", (event) => {
  const zone = event.target.closest?.("[data-drop]");
  if (!zone || !event.dataTransfer.files.length) return;
  event.preventDefault();
  delete zone.dataset.over;
  const input = inputFor(event.target);
  if (input) put(input.closest("form").querySelector("textarea"), input, [...event.dataTransfer.files]);
});
