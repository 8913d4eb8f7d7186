// Live updates of the page, as a state machine that <html data-live> shows:
//
//   connecting    the page has not been live yet
//   live          the stream stands, it has told everything since the page was rendered, every region that
//                 this made out of date has been fetched again, and the server itself is fed
//   reconnecting  one of these has ceased to be true; it is being cured
//   polling       the stream cannot be held here; news come by asking, and are complete
//   expired       the session is over: only signing in helps
//   stopped       something the page needs is missing: only reloading helps
//
// There is one loop, and it awaits one stream or one poll at a time, so there is never a second stream.
// Whoever wants to begin anew raises the generation; the loop of an older one does nothing more.
import { Refused, poll, stream } from "./live-wire.js";
import * as regions from "./live-regions.js";

const root = document.documentElement;

const helloWithin = 5000; // a proxy that holds back the first bytes longer holds back all
const silentAfter = 20000; // a ping comes every 15 s; so long, at most, a page is live that is told nothing any more
const hiddenAfter = 5000; // a hidden tab gives its connection back: a browser has six for a host over HTTP/1.1
// While polling the stream is tried again, ever more rarely. To be refused takes no time; one that is held back
// costs seconds without news.
const streamAgain = { refused: 4000, held: 30000, most: 600000 };

let cursor = root.dataset.cursor;
let generation = 0;
let aborting = new AbortController();
let failures = 0;
let failingSince = 0;
let shortLived = 0; // streams in a row that broke soon after they began
let polling = false; // the stream cannot be held
let tryStreamAt = 0;
let tryStreamIn = 0;
let hold = 20; // for how many seconds an answer to a poll may be waited for; fewer where silence is cut
let caughtUp = false; // the server has said: this was all
let fed = true; // the server itself gets the news
let wasLive = false;
let ended = ""; // expired or stopped, for good
let wakeUp = () => {};

// ---- what the person is told

function show() {
  const up = caughtUp && fed && !regions.late() && (root.dataset.live === "live" || root.dataset.live === "polling" || regions.settled());
  let state = ended;
  if (!state) state = up ? (polling ? "polling" : "live") : (wasLive || failures ? "reconnecting" : "connecting");
  if (state === "live" || state === "polling") wasLive = true;
  if (root.dataset.live !== state) root.dataset.live = state;
}

function end(state) {
  ended = state;
  halt();
}

// ---- what comes in

const seen = new Map(); // topic -> the newest version told
const waiting = new Map(); // topic -> version that came while its window is open
const spread = 200; // of lists: many pages hear of each change
const gap = 250; // a topic that changes often is fetched four times a second at most

function change(topic, version) {
  if (version <= (seen.get(topic) ?? -1)) return;
  seen.set(topic, version);
  if (waiting.has(topic)) return void waiting.set(topic, version);
  waiting.set(topic, version);
  // What was missed is told at once: until it has been fetched the page is not live.
  if (topic === "tickets" && caughtUp) setTimeout(tellWaiting, Math.random() * spread, topic);
  else tellWaiting(topic);
}

function tellWaiting(topic) {
  const version = waiting.get(topic);
  regions.tell(topic, version);
  setTimeout(() => {
    if (waiting.get(topic) > version) tellWaiting(topic);
    else waiting.delete(topic);
  }, gap);
}

// receive takes one event of either wire; it returns a bye's reason.
function receive({ event, id, data }) {
  switch (event) {
    case "change": change(data.topic, data.version); break;
    case "ping":
      fed = data.current !== false;
      if (!caughtUp) arrived();
      show();
      break;
    case "resync":
      seen.clear(); // another history counts anew
      regions.tellAll();
      id = data.cursor;
      break;
    case "bye": return data.reason;
  }
  if (id) cursor = id;
}

function arrived() {
  caughtUp = true;
  failures = 0;
  regions.retry();
  show();
}

// ---- the loop

function begin() {
  if (ended) return;
  halt();
  loop(generation);
}

// halt ends what is under way; nothing of it is heard of again.
function halt() {
  generation++;
  aborting.abort();
  wakeUp();
  releaseSlot();
  caughtUp = false;
  show();
}

async function loop(mine) {
  while (mine === generation) {
    const hasSlot = await takeSlot();
    if (mine !== generation) return;
    aborting = new AbortController();
    const streaming = hasSlot && (!polling || performance.now() >= tryStreamAt);
    let pause;
    try {
      pause = streaming ? await streamOnce(mine) : await pollOnce(mine, hasSlot);
    } catch (error) {
      if (mine !== generation) return;
      pause = refused(error);
    }
    if (mine !== generation) return;
    show();
    await sleep(pause);
  }
}

// refused decides after an answer that was none. A person whose session is over is told so; everything else
// may pass, and is tried again ever more rarely, at random: many pages lost the same server.
function refused(error) {
  if (error.over) {
    end("expired");
    return 0;
  }
  caughtUp = false;
  if (!failures++) failingSince = performance.now();
  // Twice as long as it has lasted, at most: whatever chance does, the page is back soon after a short outage.
  const span = Math.min(60000, Math.max(1000, 2 * (performance.now() - failingSince)));
  if (failures >= 3 && !polling) { // perhaps only the stream is refused here: let a poll find out
    polling = true;
    tryStreamAt = Infinity;
  }
  return 100 + Math.random() * span;
}

// streamOnce reads one stream to its end and gives the pause before the next attempt.
async function streamOnce(mine) {
  const controller = aborting;
  let greeted = false;
  let opened = 0;
  if (!polling) caughtUp = false;
  let watchdog = setTimeout(() => controller.abort(), helloWithin);
  try {
    for await (const event of stream(cursor, controller.signal)) {
      if (mine !== generation) return 0;
      clearTimeout(watchdog);
      watchdog = setTimeout(() => controller.abort(), silentAfter);
      if (greeted && performance.now() - opened > silentAfter) tryStreamIn = 0; // pings pass: all is well
      if (event.event === "hello") {
        greeted = true;
        opened = performance.now();
        caughtUp = false; // until the ping that ends the backlog
        polling = false;
      }
      const reason = receive(event);
      if (reason) return bye(reason, event.retry);
    }
  } catch (error) {
    if (mine !== generation) return 0;
    if (error instanceof Refused) {
      if (polling && !error.over) return fallBack(streamAgain.refused);
      throw error;
    }
    if (controller.signal.aborted) return fallBack(streamAgain.held); // silent: what comes here comes late or not at all
    if (!greeted) {
      if (polling) return fallBack(streamAgain.refused);
      throw error;
    }
  } finally {
    clearTimeout(watchdog);
    controller.abort();
  }
  // Ended without a word. Where that goes on, somebody in between cuts streams short.
  caughtUp = false;
  shortLived = greeted && performance.now() - opened > 16000 ? 0 : shortLived + 1; // past a ping, silence did not end it
  if (shortLived >= 4) return fallBack(streamAgain.held);
  return Math.random() * 500 * 2 ** shortLived;
}

// fallBack begins, or goes on with, asking instead of listening.
function fallBack(least) {
  if (!polling) caughtUp = false;
  polling = true;
  shortLived = 0;
  tryStreamIn = Math.min(streamAgain.most, Math.max(least, 2 * tryStreamIn));
  tryStreamAt = performance.now() + tryStreamIn * (0.75 + Math.random() / 4);
  return 0;
}

function bye(reason, retry) {
  caughtUp = false;
  switch (reason) {
    case "signed-out":
    case "revoked":
      end("expired");
      return 0;
    case "expired": return 0; // perhaps prolonged meanwhile by another tab: the next answer tells
    case "shutdown": return 250 + Math.random() * (retry || 3000);
  }
  return Math.random() * 500;
}

// pollOnce asks once and gives the pause before the next time. Without a slot the connection is not held.
async function pollOnce(mine, hasSlot) {
  const asked = performance.now();
  // The first answer comes at once, so that the page soon knows that this way works.
  const wait = hasSlot && caughtUp ? Math.max(1, Math.min(hold, Math.ceil((tryStreamAt - asked) / 1000))) : 0;
  const controller = aborting;
  const guard = setTimeout(() => controller.abort(), (wait + 10) * 1000);
  let answer;
  try {
    answer = await poll(cursor, wait, controller.signal);
  } catch (error) {
    if (wait && performance.now() - asked > 1000) hold = Math.max(1, Math.floor((performance.now() - asked) / 2000));
    throw error;
  } finally {
    clearTimeout(guard);
  }
  if (mine !== generation) return 0;
  polling = true;
  if (tryStreamAt === Infinity) tryStreamAt = 0; // the server is back; so may the stream be
  for (const event of answer.events) {
    const reason = receive(event);
    if (reason) return bye(reason, 0);
  }
  cursor = answer.cursor;
  fed = true;
  if (!caughtUp) arrived();
  if (!hasSlot) return 1000 + Math.random() * 500;
  return answer.events.length || wait === 0 || performance.now() - asked > 1000 ? 0 : 1000;
}

function sleep(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wakeUp = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

// ---- connections. Several windows may be visible at once; over HTTP/1.1 no more than four of them hold one,
// so that pages still load. The others ask every second or so.

const slots = 4;
const shared = performance.getEntriesByType("navigation")[0]?.nextHopProtocol !== "http/1.1";
let freeSlot = null;
let slotAsked = 0;

function releaseSlot() {
  slotAsked++;
  freeSlot?.();
  freeSlot = null;
}

async function takeSlot() {
  if (shared || freeSlot || !navigator.locks) return true;
  const asked = slotAsked;
  for (let n = 1; n <= slots; n++) {
    const free = await new Promise((resolve) => {
      navigator.locks.request(`autocrm-live-${n}`, { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(null);
        return new Promise((release) => resolve(release));
      }).catch(() => resolve(null));
    });
    if (!free) continue;
    if (asked === slotAsked) freeSlot = free;
    else free();
    return true;
  }
  return false;
}

// ---- the page comes and goes

let hiding;

function resume() {
  clearTimeout(hiding);
  if (ended || document.hidden) return;
  if (idle) {
    idle = false;
    failures = 0;
    begin();
  }
}

let idle = true; // nothing is under way, on purpose

function rest() {
  clearTimeout(hiding);
  if (idle) return;
  idle = true;
  halt();
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(rest, hiddenAfter);
  else resume();
});
document.addEventListener("freeze", rest);
document.addEventListener("resume", resume);
addEventListener("pagehide", rest); // an open connection would keep the page out of the back/forward cache
addEventListener("pageshow", resume);
// Neither event is to be believed: a server on this machine is there without a network. Both are a reason to
// find out at once, where a connection that died silently would look alive for half a minute.
for (const name of ["offline", "online"]) {
  addEventListener(name, () => {
    if (idle || ended) return;
    failures = 0;
    begin();
  });
}

regions.watch(show, () => end("expired"));

if (cursor) {
  if (window.htmx) resume();
  else end("stopped");
}
