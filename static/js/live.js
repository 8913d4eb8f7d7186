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
// There is one loop, and it awaits one stream, one poll or one neighbour at a time, so there is never a second
// stream. Whoever wants to begin anew raises the generation; the loop of an older one does nothing more.
//
// Of all pages of a session in a browser one that is seen leads: it has the stream, or polls, and tells the others
// (live-tabs.js). They are live while it is. A hidden page fetches nothing but
// what concerns its person by name (live-notices.js); its tab's title says what it misses.
import { Refused, poll, stream } from "./live-wire.js";
import * as news from "./live-news.js";
import { alerts } from "./live-notices.js";
import * as regions from "./live-regions.js";
import * as tabs from "./live-tabs.js";

const root = document.documentElement;

const helloWithin = 5000; // a proxy that holds back the first bytes longer holds back all
const silentAfter = 20000; // a ping comes every 15 s; so long, at most, a page is live that is told nothing any more
const hiddenAfter = 5000; // a hidden page gives its stream to one that is seen
const hiddenAsks = 30000; // where none is seen, one of the hidden asks
// While polling the stream is tried again, ever more rarely. To be refused takes no time; one that is held back
// costs seconds without news.
const streamAgain = { refused: 4000, held: 30000, most: 600000 };

let cursor = root.dataset.cursor;
let generation = 0;
let aborting = new AbortController();
let failures = 0;
let failingSince = 0;
let unanswered = false; // what was asked last. Unlike failures, no event of the browser begins it anew
let shortLived = 0; // streams in a row that broke soon after they began
let polling = false; // the stream cannot be held
let tryStreamAt = 0;
let tryStreamIn = 0;
let hold = 20; // for how many seconds an answer to a poll may be waited for; fewer where silence is cut
let caughtUp = false; // the server has said: this was all
let fed = true; // the server itself gets the news
let source = ""; // the neighbour all of whose words this page has had, from its own cursor on
let led = false; // the neighbours take this page's word that it is up
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
  if (led && !caughtUp) {
    led = false;
    tabs.tell({ event: "lost" }, polling);
  }
}

function end(state) {
  ended = state;
  rest();
}

// ---- what comes in

// receive takes one event of any wire; it returns a bye's reason.
function receive({ event, id, data }) {
  switch (event) {
    case "change": news.change(data.topic, data.version, caughtUp); break;
    case "ping":
      fed = data.current !== false;
      if (!caughtUp) arrived();
      show();
      break;
    case "resync":
      news.all();
      id = data.cursor;
      break;
    case "bye": return data.reason;
  }
  if (id) cursor = id;
}

// pass is receive where the neighbours live on this page's wire.
function pass(event) {
  tabs.tell(event, polling);
  source = "";
  const reason = receive(event);
  led ||= caughtUp;
  return reason;
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
  const mine = generation;
  setTimeout(() => loop(mine)); // until then the browser has let go of what was under way
}

// halt ends what is under way; nothing of it is heard of again.
function halt() {
  generation++;
  aborting.abort();
  wakeUp();
  caughtUp = false;
  show();
}

async function loop(mine) {
  while (mine === generation) {
    aborting = new AbortController();
    let pause;
    try {
      if (!tabs.leads()) pause = await followOnce(mine);
      else if (!polling || performance.now() >= tryStreamAt) pause = await streamOnce(mine);
      else pause = await pollOnce(mine, caughtUp ? pollFor() : 0, pass); // at first at once: does this way work?
    } catch (error) {
      if (mine !== generation) return;
      pause = refused(error);
    }
    if (mine !== generation) return;
    show();
    if (pause) await sleep(pause);
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
  unanswered = true;
  if (!failures++) failingSince = performance.now();
  // Twice as long as it has lasted, at most: whatever chance does, the page is back soon after a short outage.
  const span = Math.min(60000, Math.max(1000, 2 * (performance.now() - failingSince)));
  if (failures >= 3 && !polling) { // perhaps only the stream is refused here: let a poll find out
    polling = true;
    tryStreamAt = Infinity; // until a poll is answered
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
        unanswered = false;
        opened = performance.now();
        caughtUp = false; // until the ping that ends the backlog
        polling = false;
      }
      const reason = pass(event);
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

// pollFor is for how many seconds an answer may be waited for: not beyond the next trial of the stream.
const pollFor = () => Math.max(1, Math.min(hold, Math.ceil((tryStreamAt - performance.now()) / 1000)));

// pollOnce asks once and gives the pause before the next time.
async function pollOnce(mine, wait, take) {
  const asked = performance.now();
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
  if (unanswered) tryStreamAt = 0; // the server is back; so may the stream be
  unanswered = false;
  for (const event of [...answer.events, { event: "ping", id: answer.cursor, data: {} }]) {
    const reason = take(event);
    if (reason) return bye(reason, 0);
  }
  return answer.events.length || wait === 0 || performance.now() - asked > 1000 ? 0 : 1000;
}

// followOnce lives on what a neighbour tells. One answer of its own closes the gap between this page's cursor and
// the first word heard. Where no neighbour is up, a page that is seen asks by itself; of the hidden ones one does,
// rarely.
async function followOnce(mine) {
  const neighbour = tabs.neighbour();
  if (neighbour) {
    if (neighbour.from === source) {
      polling = neighbour.polling;
      if (!caughtUp) arrived();
      return tabs.silentAfter; // or until something is heard
    }
    await pollOnce(mine, 0, receive);
    if (mine === generation && caughtUp) source = neighbour.from;
    return 0;
  }
  const hidden = tabs.line === "hidden";
  if (!polling) caughtUp = false;
  show();
  // The desktop is to be told at once. No timer: of a page hidden for long they run once a minute.
  if (hidden && tabs.holding && caughtUp && alerts()) return pollOnce(mine, hold, pass);
  tabs.tell({ event: "ask" });
  let pause = hidden ? hiddenAsks * (1 + Math.random() / 2) : 1000 + Math.random() * 500;
  if (!caughtUp && (tabs.holding || !hidden)) pause = helloWithin;
  await sleep(pause);
  if (mine !== generation || tabs.neighbour() || (hidden && !tabs.holding)) return 0;
  polling = true;
  return pollOnce(mine, 0, hidden ? pass : receive);
}

// hear is called with all that the neighbours say.
function hear({ from, polling: itPolls, event }, turned) {
  if (event.event === "ask") {
    if (tabs.leads() && caughtUp) tabs.tell({ event: "ping", id: cursor, data: { current: fed } }, polling);
    return;
  }
  if (tabs.leads()) return; // it has a wire of its own
  if (event.event === "bye") bye(event.data.reason);
  else if (event.event === "lost") caughtUp &&= from !== source;
  else if (from === source) {
    polling = itPolls;
    receive(event);
  } else { // between the cursor and this there is a gap
    source = "";
    if (event.event === "change") news.change(event.data.topic, event.data.version, caughtUp);
    if (event.event === "resync") news.all();
  }
  if (turned) wakeUp();
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

// ---- the page comes and goes

let hiding;

function appear() {
  clearTimeout(hiding);
  if (ended) return;
  if (!document.hidden) news.look();
  const line = document.hidden ? "hidden" : "seen";
  if (tabs.line === line) return;
  failures = 0;
  halt(); // said by whom the neighbours know
  tabs.listen(hear);
  tabs.enter(line, begin);
  begin();
}

function rest() {
  clearTimeout(hiding);
  halt();
  tabs.close();
  source = ""; // what is said from now on is not heard
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(appear, hiddenAfter);
  else appear();
});
document.addEventListener("freeze", rest);
document.addEventListener("resume", appear);
addEventListener("pagehide", rest); // an open connection would keep the page out of the back/forward cache
addEventListener("pageshow", appear);
// Neither event is to be believed: a server on this machine is there without a network. Both are a reason to
// find out at once, where a connection that died silently would look alive for twenty seconds.
for (const name of ["offline", "online"]) {
  addEventListener(name, () => {
    if (!tabs.line) return;
    failures = 0;
    begin();
  });
}

regions.watch(show, () => end("expired"));

if (cursor) {
  if (window.htmx) appear();
  else end("stopped");
}
