// Keeps 我的学习 up to date: asks every few seconds, and at once when the learner comes back to it.
import { localise } from "./clock.js";

const base = document.querySelector("script[data-base]").dataset.base;
const ROUND = 3000;
let states = null;
let asking = false;

/** What the server wants to see of requests that a script makes: on a Hub it knows nobody without it. */
function token() {
  const mine = document.cookie.split("; ").find((cookie) => cookie.startsWith("_xsrf="));
  return mine ? mine.slice("_xsrf=".length) : "";
}

async function get(path, kind) {
  const headers = { Accept: kind, "X-XSRFToken": token() };
  const answer = await fetch(base + path, { headers, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error(path);
  return answer;
}

function announce(modules) {
  const now = new Map(modules.map((m) => [m.module, `${m.state}${m.score ?? ""}`]));
  if (states) {
    const changed = modules.filter((m) => states.get(m.module) !== now.get(m.module));
    const said = changed.map((m) => `${m.title}：${m.state}${m.score === null ? "" : `，${m.score} 分`}`);
    if (said.length) document.getElementById("announce").textContent = said.join("；");
  }
  states = now;
}

async function replace() {
  const text = await (await get("", "text/html")).text();
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("content");
  const old = document.getElementById("content");
  if (!fresh) throw new Error("content");
  const focused = document.activeElement?.closest("[id]")?.id;
  const within = document.activeElement?.tagName === "SUMMARY" ? " summary" : "";
  localise(fresh);
  for (const details of old.querySelectorAll("details[open]")) fresh.querySelector(`[id="${details.id}"]`)?.setAttribute("open", "");
  old.replaceWith(fresh);
  if (focused) document.querySelector(`[id="${focused}"]${within}`)?.focus({ preventScroll: true });
}

async function look() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const data = await (await get("api/modules", "application/json")).json();
    if (data.revision !== document.getElementById("content").dataset.revision) await replace();
    announce(data.modules);
    document.getElementById("offline").hidden = true;
  } catch {
    document.getElementById("offline").hidden = false;
  } finally {
    asking = false;
  }
}

localise(document);
setInterval(look, ROUND);
addEventListener("focus", look);
addEventListener("pageshow", look);
document.addEventListener("visibilitychange", look);
