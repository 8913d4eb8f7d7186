// What has changed, on its way to the regions. Behind the reader's back it waits, and the tab counts it.
import { clearUnseen, countUnseen } from "./live-mark.js";
import * as notices from "./live-notices.js";
import * as regions from "./live-regions.js";

const seen = new Map(); // topic -> the newest version told
const waiting = new Map(); // topic -> version that came while its window is open
const spread = 200; // of lists: many pages hear of each change
const gap = 250; // a topic that changes often is fetched four times a second at most
const own = 1000; // within this a page has the answer to what it did itself
let allWaits = false;

// change takes a signal. afresh says that it happened just now: what was missed is told at once, since until it has
// been fetched the page is not live.
export function change(topic, version, afresh) {
  if (version <= (seen.get(topic) ?? -1)) return;
  seen.set(topic, version);
  if (topic === "notifications") notices.changed();
  else if (document.hidden) setTimeout(() => regions.concerned(topic, version) && countUnseen(), own);
  if (waiting.has(topic) && afresh) return void waiting.set(topic, version);
  waiting.set(topic, version);
  if (topic === "tickets" && afresh) setTimeout(tell, Math.random() * spread, topic);
  else tell(topic);
}

function tell(topic) {
  if (document.hidden) return;
  const version = waiting.get(topic);
  regions.tell(topic, version);
  setTimeout(() => {
    if (waiting.get(topic) > version) tell(topic);
    else waiting.delete(topic);
  }, gap);
}

// all is for news that do not say what they are of.
export function all() {
  seen.clear(); // another history may count anew
  allWaits = document.hidden;
  notices.changed();
  if (allWaits) countUnseen();
  else regions.tellAll();
}

// look says that somebody looks at the page again.
export function look() {
  clearUnseen();
  notices.look();
  if (allWaits) regions.tellAll();
  allWaits = false;
  for (const topic of waiting.keys()) tell(topic);
}
