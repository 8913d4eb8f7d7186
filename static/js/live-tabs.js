// The pages of one session in one browser live on one wire. The page that holds the slot tells the others what it
// hears; they follow it. A browser has six connections for a host over HTTP/1.1, and twelve windows must load.
//
// The slot is a lock: the browser itself gives it to the next in line when its holder goes or crashes. Pages that
// are seen and pages that are hidden stand in different lines. A page hears only its own session, since another
// person may have signed in here meanwhile, and its own build, since another may use other words.
import { page } from "./live-wire.js";

const name = `autocrm-live ${document.documentElement.dataset.session} ${import.meta.url}`;
const shared = Boolean(navigator.locks); // not there over plain HTTP: then each page is on its own

export const silentAfter = 37500; // two and a half pings
export let holding = false; // the slot of its line is this page's
export let line = ""; // seen or hidden; "": neither

let channel = null;
let voice = 0; // in each line the page speaks as another: between two it may have gone on in silence
let place = null; // aborted, it gives up the slot, or the wait for it
let told = {}; // by whom this page is told what happens, and when it last was

// leads says whether this page is the one to have a stream.
export const leads = () => holding && line === "seen";

// enter puts the page in a line and leaves the other. granted is called if it gets the slot.
export function enter(which, granted) {
  leave();
  line = which;
  voice++;
  holding = !shared;
  if (!shared) return;
  const { signal } = place = new AbortController();
  navigator.locks.request(`${name} ${line}`, { signal }, () => new Promise((release) => {
    if (signal.aborted) return release();
    signal.addEventListener("abort", release);
    holding = true;
    granted();
  })).catch(() => {}); // given up
}

function leave() {
  place?.abort();
  holding = false;
  line = "";
}

// listen hears the others from now on: hear gets {from, polling, event}, and whether that changed neighbour().
export function listen(hear) {
  if (!shared || channel) return;
  channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => {
    const { event } = data.event;
    if (event !== "ask" && !goodFor(data)) return;
    const before = neighbour()?.from;
    if (event === "ping" || data.from === told.from) told = { ...data, at: performance.now() };
    if ((event === "lost" || event === "bye") && data.from === told.from) told = {};
    hear(data, neighbour()?.from !== before);
  };
}

// neighbour is the page that has told this one lately that it is up, or null.
export const neighbour = () => (told.from && goodFor(told) && performance.now() - told.at < silentAfter ? told : null);

// A hidden page asks rarely: that will do for those whom nobody looks at.
const goodFor = (teller) => teller.line === "seen" || line === "hidden";

export function tell(event, polling) {
  channel?.postMessage({ from: `${page} ${voice}`, line, polling, event });
}

// close hears and says nothing more: a lock or a channel would keep the page out of the back/forward cache.
export function close() {
  leave();
  channel?.close();
  channel = null;
  told = {};
}
