// Bugle in the browser: what works without it, made quicker. Keys, local times, menus, copy, live updates.
// One file, no build. Nothing here is the only way to do anything.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const two = (number) => String(number).padStart(2, "0");

// ---- times: the server writes UTC, this writes the reader's zone in the same manner (ui/moment.rs)

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const day = 864e5;

function age(elapsed) {
  const minutes = Math.floor(elapsed / 6e4);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (elapsed < day) return `${Math.floor(minutes / 60)} h ago`;
  return `${Math.floor(elapsed / day)} d ago`;
}

function written(at, manner) {
  const date = `${at.getDate()} ${months[at.getMonth()]}`;
  const elapsed = Date.now() - at;
  const dated = elapsed < 300 * day ? date : `${date} ${at.getFullYear()}`;
  if (manner === "age") return elapsed < 7 * day ? age(elapsed) : dated;
  if (manner === "hour") return `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (manner === "date") return date;
  if (manner === "day" || elapsed >= 300 * day) return dated;
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (manner === "when") return at.toDateString() === new Date().toDateString() ? clock : `${date} ${clock}`;
  return elapsed < day ? `${clock}:${two(at.getSeconds())}` : `${date} ${clock}`;
}

function localize(root = document) {
  for (const time of $$("time[data-as]", root)) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(+at)) continue;
    time.textContent = written(at, time.dataset.as);
    time.title = `${written(at, "day")} ${at.getFullYear()} ${at.toTimeString().slice(0, 8)} (${time.dateTime})`;
  }
  for (const text of $$("text[data-at]", root)) text.textContent = written(new Date(+text.dataset.at), text.dataset.as);
}

localize();
setInterval(() => $$("time[data-as=age]").length && localize(), 3e4);
for (const zone of $$("[data-zone]")) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

// ---- forms that need no button, menus, the toast

for (const form of $$("form[data-auto]")) {
  form.addEventListener("change", () => form.requestSubmit());
  for (const button of $$("button", form)) button.hidden = true;
}

addEventListener("click", (event) => {
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button && event.target.method === "post") setTimeout(() => button.setAttribute("aria-busy", "true"));
});
addEventListener("pageshow", () => $$("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy")));

function closeMenu() {
  const menu = $("details.menu[open]");
  if (!menu) return false;
  menu.open = false;
  $("summary", menu).focus();
  return true;
}

function moveInMenu(step) {
  const menu = $("details.menu[open]");
  if (!menu) return false;
  const items = $$("a, button", menu);
  const at = items.indexOf(document.activeElement);
  items.at((at + step + items.length) % items.length)?.focus();
  return true;
}

setTimeout(() => $(".toast:not(.bulk)")?.remove(), 1e4);

// ---- the list: cursor and selection

const rows = () => $$(".rows > li[data-issue]");
const here = () => $(".rows > .here");

function put(row) {
  here()?.classList.remove("here");
  row.classList.add("here");
  $(".what a", row)?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = rows();
  if (!all.length) return false;
  const at = all.indexOf(here());
  put(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]);
  return true;
}

function count() {
  const ticked = $$(".rows :checked").length;
  const label = $("[data-selected]");
  if (label) label.textContent = `${ticked} selected`;
}

addEventListener("change", count);
addEventListener("reset", () => setTimeout(count));

function select() {
  const box = here() && $("[type=checkbox]", here());
  if (!box) return false;
  box.click();
  return true;
}

// Goes to the selection if there is one, else to the issue at the cursor.
function bulk(act) {
  const button = $(`.bulk button[value="${act}"]`);
  if (!button) return false;
  if (!$(".rows :checked")) {
    if (!here()) return false;
    $("[type=checkbox]", here()).checked = true;
  }
  button.click();
  return true;
}

// ---- the issue: frames, copy

function frame(by) {
  const frames = $$("details.frame > summary");
  if (!frames.length) return false;
  const at = frames.indexOf(document.activeElement);
  const next = frames[Math.max(0, Math.min(frames.length - 1, at < 0 ? 0 : at + by))];
  next.parentElement.open = true;
  next.focus();
  return true;
}

function unfold() {
  const frames = $$("details.frame");
  const all = frames.every((one) => one.open);
  for (const one of frames) one.open = !all;
  return frames.length > 0;
}

addEventListener("click", async (event) => {
  const link = event.target.closest("[data-copy]");
  if (!link || !navigator.clipboard) return;
  event.preventDefault();
  const part = link.dataset.copy ? $(link.dataset.copy) : link.previousElementSibling;
  const text = link.href ? await (await fetch(link.href)).text() : part?.textContent;
  await navigator.clipboard.writeText(text ?? "");
  link.classList.add("done");
  setTimeout(() => link.classList.remove("done"), 2000);
});

// ---- keys

const press = (selector) => {
  const target = $(selector);
  if (!target) return false;
  target.click();
  return true;
};
const go = (href) => ((location.href = href), true);

const keys = {
  "/": () => ($(".find input[type=search]")?.select(), true),
  "?": () => go("/help/keys"),
  j: () => step(1),
  k: () => step(-1),
  x: select,
  o: () => press(".rows > .here .what a"),
  u: () => $("article[data-issue]") && (document.referrer.includes("/issues?") ? (history.back(), true) : go("/issues")),
  r: () => press("#acts [data-key=r]") || bulk("resolve") || bulk("reopen"),
  a: () => press("#acts [data-key=a]") || bulk("archive"),
  m: () => press("#acts [data-key=m]"),
  i: () => press("#acts [data-me]"),
  "[": () => press("[rel=prev]"),
  "]": () => press("[rel=next]"),
  "{": () => press('a[href$="/events/oldest"]'),
  "}": () => press('a[href$="/events/newest"]'),
  f: () => frame(1),
  F: () => frame(-1),
  e: unfold,
  c: () => press("[data-copy]"),
  n: () => ($("#activity textarea")?.focus(), true),
  z: () => press(".toast:not(.bulk) button"),
  ".": () => press("[data-fresh]:not([hidden])"),
  ArrowDown: () => moveInMenu(1),
  ArrowUp: () => moveInMenu(-1),
};

let went = 0;
addEventListener("keydown", (event) => {
  const field = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (event.key === "Escape") {
    if (closeMenu()) return;
    if (field) return field.blur();
    if ($(".rows :checked")) $(".bulk [type=reset]")?.click();
    return;
  }
  if (field && event.key === "Enter" && (event.ctrlKey || event.metaKey)) return field.form?.requestSubmit();
  if (field || event.ctrlKey || event.metaKey || event.altKey) return;
  if (Date.now() - went < 1500) {
    went = 0;
    const project = /^\d$/.test(event.key) && $$(".strip > .menu li a")[+event.key];
    const target = project || $(`nav [data-go="${CSS.escape(event.key)}"]`);
    if (target) return void (event.preventDefault(), target.click());
  }
  if (event.key === "g") return void (went = Date.now());
  if (Object.hasOwn(keys, event.key) && keys[event.key]()) event.preventDefault();
});

// ---- live: the stream says that something changed; the page asks for itself and takes over what is different.
// Rows never move, appear or vanish; nothing changes under the pointer, the focus or an open menu.

for (const button of $$("button[data-copy]")) button.hidden = !navigator.clipboard;

const since = new Date();
const unseen = new Set();
const title = document.title;
const issue = $("article[data-issue]")?.dataset.issue;
const isList = location.pathname === "/issues";
let stream, asked, paused;

const busy = (part) => part.matches(":hover") || part.contains(document.activeElement) || $("details[open]", part);

function take(now, next) {
  if (!now || !next || now.innerHTML === next.innerHTML || busy(now)) return;
  const before = $$("data", now).map((one) => one.value);
  now.replaceChildren(...next.childNodes);
  localize(now);
  $$("data", now).forEach((one, at) => one.value !== before[at] && one.classList.add("tick"));
}

function announce() {
  const line = $("[data-fresh]");
  if (!line || !unseen.size) return;
  line.hidden = false;
  const at = `${two(since.getHours())}:${two(since.getMinutes())}`;
  line.textContent = issue ? `Changed since ${at}` : `${unseen.size} changed since ${at}`;
  document.title = `(${unseen.size}) ${title}`;
}

async function look() {
  asked = 0;
  const answer = await fetch($("article[data-live]")?.dataset.live ?? location.href).catch(() => undefined);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  localize(page);
  if ($("[data-heard]")) return take($("[data-heard]"), $("[data-heard]", page));
  if (issue) {
    for (const part of [".id", ".lede", "#acts", ".facts", "#when > div", "aside", ".log", ".bar .acts"]) {
      take($(`article ${part}`), $(`article ${part}`, page));
    }
    return;
  }
  const next = new Map($$(".rows > li[data-issue]", page).map((row) => [row.dataset.issue, row]));
  for (const row of rows()) {
    const other = next.get(row.dataset.issue);
    if (!other || row.matches(":hover") || row.contains(document.activeElement)) continue;
    for (const part of [".meta", ".events", ".people", ".ages"]) take($(part, row), $(part, other));
    const [bars, drawn] = [$(".score", row), $(".score", other)];
    if (bars.outerHTML !== drawn.outerHTML) bars.replaceWith(drawn);
  }
  take($(".views"), $(".views", page));
}

function changed(fact) {
  if (fact.fact === "refused") {
    if ($(`[data-heard="${Number(fact.project)}"]`)) asked ||= setTimeout(look, 500);
    return;
  }
  const waiting = $("[data-waiting]");
  if (waiting && (!waiting.dataset.waiting || +waiting.dataset.waiting === fact.project)) {
    return waiting.dataset.then ? location.assign(waiting.dataset.then) : location.reload();
  }
  if (issue ? String(fact.issue) !== issue : !isList) return;
  const row = isList && $(`.rows > li[data-issue="${Number(fact.issue)}"]`);
  if (isList && !row) unseen.add(fact.issue);
  if (issue && fact.fact === "changed") unseen.add(fact.issue);
  announce();
  asked ||= setTimeout(look, 2000);
}

function listen() {
  stream = new EventSource("/stream");
  stream.addEventListener("fact", (event) => changed(JSON.parse(event.data)));
  stream.addEventListener("again", () => (asked ||= setTimeout(look, 2000)));
  stream.onopen = () => {
    clearTimeout(paused);
    paused = 0;
    tell("");
  };
  stream.onerror = () => {
    paused ||= setTimeout(() => tell("live updates paused, trying again · "), 1e4);
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => document.hidden || listen(), 3e4);
  };
}

function tell(text) {
  for (const place of $$("[data-state]")) {
    place.textContent = text;
    place.hidden = !text;
  }
}

$("[data-fresh]")?.addEventListener("click", (event) => (event.preventDefault(), location.reload()));

if (isList || issue || $("[data-waiting], [data-heard]")) {
  listen();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return stream.close();
    listen();
    if (isList || issue) look();
  });
}
