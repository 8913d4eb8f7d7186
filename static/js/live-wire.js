// The wire of /live and /live/poll: both give events {event, id, data}. EventSource is not used: it hides
// the status of an answer and gives up for ever on some, and its retries are its own.

// Refused is an answer that is no stream. over says why: the session is.
export class Refused extends Error {
  constructor({ status, headers }) {
    super(`live: ${status}`);
    this.over = (status === 401 || status === 403) && ours(headers);
  }
}

// ours tells an answer of the server's from one that a proxy gives in its place.
export const ours = (headers) => headers.has("AutoCRM-Portal");

// By this name the server knows that a new stream takes the place of the one before: a browser, or a proxy,
// holds a connection open for seconds after the page has given it up.
export const page = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

// The session is named too: whoever signs in here after its end gets no news for its pages.
const address = (path, cursor) => `${path}?page=${page}&session=${document.documentElement.dataset.session}&after=${encodeURIComponent(cursor)}`;

async function ask(path, type, signal) {
  const response = await fetch(path, { headers: { Accept: type }, cache: "no-store", redirect: "manual", signal });
  if (!response.ok || !response.headers.get("Content-Type")?.startsWith(type)) {
    response.body?.cancel().catch(() => {});
    throw new Refused(response);
  }
  return response;
}

// stream yields what the server sends until it ends the answer. Aborting signal ends it with an error.
export async function* stream(cursor, signal) {
  const response = await ask(address("/live", cursor), "text/event-stream", signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    // A carriage return may be the first half of a line's end: it waits for the next piece.
    const blocks = (rest + value).split(/\r\n\r\n|\n\n|\r\r(?!$)/);
    rest = blocks.pop();
    for (const block of blocks) {
      const event = parse(block);
      if (event) yield event;
    }
  }
}

function parse(block) {
  const fields = {};
  for (const line of block.split(/\r\n|\n|\r/)) {
    const at = line.indexOf(":");
    if (at > 0) fields[line.slice(0, at)] = line.slice(at + 1).replace(/^ /, "");
  }
  if (!fields.event) return null;
  try {
    return { event: fields.event, id: fields.id, data: JSON.parse(fields.data), retry: Number(fields.retry) || 0 };
  } catch {
    return null; // an event of a later version of the server
  }
}

// poll asks once and resolves to {events, cursor}. wait is how many seconds the server may hold the answer.
export async function poll(cursor, wait, signal) {
  const response = await ask(`${address("/live/poll", cursor)}&wait=${wait}`, "application/json", signal);
  return response.json();
}
