// Starts the page: follows the feed and draws what changed.
import { drawBlocks } from "./blocks.js";
import { compose } from "./composer.js";
import { fill, icon, make } from "./dom.js";
import { emptiness, list } from "./messages.js";
import { contextOf, drawModal } from "./modal.js";
import { drawSide } from "./places.js";
import { begin, change, isMember, markRead, places, shownIn, state, unread } from "./state.js";
import { visible, visibleText } from "./text.js";
import { act, follow } from "./wire.js";

const at = (id) => document.getElementById(id);
const ME = "placet-workspace-me";
const pinned = new WeakMap();
let planned = false;

const box = compose(at("compose"), "composer", () => ({ channel: state.here === "home" ? null : state.here, thread: null }), tell, () => toEnd(at("scroll")));
const actions = { redraw: plan, openThread };
let threadBox = null;

function plan() {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => { planned = false; draw(); });
}

function draw() {
  if (!state.me) return;
  const channel = state.channels.get(state.here);
  const home = state.here === "home";
  if (channel && document.visibilityState === "visible") markRead(channel.id);
  drawSide(at("side"), { go, become });
  drawTop(channel, home);
  at("compose").hidden = home || !channel || channel.archived;
  box.placeholder = channel ? placeholder(channel) : "";
  const scroll = at("scroll");
  const moved = scroll.dataset.shows !== `${state.me} ${state.here}`;
  scroll.dataset.shows = `${state.me} ${state.here}`;
  drawPlace(channel, home);
  if (moved) pinned.set(scroll, true);
  stayAtEnd(scroll);
  drawThread(channel);
  drawModal();
  title();
}

function drawTop(channel, home) {
  const toggle = make("button.plain.icon-only.toggle", { type: "button", "aria-label": "Channels and people", "aria-controls": "side", "aria-expanded": String(at("frame").classList.contains("side-open")), "data-toggle-side": true, onclick: toggleSide }, icon("menu"));
  if (home || !channel) return fill(at("top"), toggle, make("h1", {}, visible(home ? state.app.name : "No channel")));
  const person = state.people.get(channel.with);
  return fill(at("top"), toggle,
    make("h1", {}, channel.direct ? visible(person?.shown ?? channel.with) : [icon(channel.private ? "lock" : "hash"), visible(channel.name)]),
    channel.topic ? make("p.topic", {}, visible(channel.topic)) : null,
    make("span.about", {},
      channel.archived ? make("span.tag.other", {}, "archived") : null,
      channel.bot ? null : make("span.tag.other", { title: "The app is not a member and cannot post here" }, "without the app"),
      make("span.you", {}, "You are ", make("strong", {}, visible(state.people.get(state.me)?.shown ?? state.me)), isMember(channel) ? "" : ", not a member")));
}

function drawPlace(channel, home) {
  const messages = at("messages");
  if (home) return fill(messages, homeTab());
  if (!channel) return fill(messages, make("div.empty", {}, make("h2", {}, "There is no channel for you here")));
  if (!shownIn(channel.id).length) return fill(messages, emptiness(channel));
  if (messages.querySelector(":scope > .empty, :scope > .home")) messages.replaceChildren();
  return list(messages, channel, null, actions);
}

function homeTab() {
  if (!state.home) return make("div.empty.at-top", {}, make("h2", {}, visible(state.app.name), " has nothing here for you yet"), make("p", {}, "The app decides what its home tab shows."));
  return make("div.home.blocks", { "data-view-id": state.home.id }, drawBlocks(state.home.blocks, contextOf(state.home, plan)));
}

function drawThread(channel) {
  const panel = at("thread");
  const open = channel && state.thread && state.messages.get(channel.id)?.has(state.thread);
  panel.hidden = !open;
  at("frame").classList.toggle("thread-open", Boolean(open));
  if (!open) { panel.replaceChildren(); threadBox = null; return; }
  if (!threadBox) {
    const form = make("form.composer", { autocomplete: "off" });
    panel.replaceChildren(
      make("header.top", {}, make("h2", {}, "Thread"), make("button.plain.icon-only", { type: "button", "aria-label": "Close the thread", "data-close-thread": true, onclick: () => openThread(null) }, icon("close"))),
      make("div.scroll", { tabindex: -1 }, make("div.messages", { role: "log", "aria-label": "Thread", "data-thread": "" })), form);
    threadBox = compose(form, "thread-composer", () => ({ channel: state.here, thread: state.thread }), tell, () => toEnd(panel.querySelector(".scroll")));
    threadBox.placeholder = "Reply…";
    pin(panel.querySelector(".scroll"));
  }
  list(panel.querySelector("[data-thread]"), channel, state.thread, actions);
}

/** Keep a scrolled list at its end while it was there, whatever grows or shrinks. */
function pin(scroll) {
  pinned.set(scroll, true);
  scroll.addEventListener("scroll", () => pinned.set(scroll, scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60), { passive: true });
  const watch = new ResizeObserver(() => stayAtEnd(scroll));
  watch.observe(scroll);
  watch.observe(scroll.firstElementChild);
}

/** Show the end of a list, and what is about to come there: the answer to what one sent. */
function toEnd(scroll) {
  pinned.set(scroll, true);
  stayAtEnd(scroll);
}

function stayAtEnd(scroll) {
  if (pinned.get(scroll)) scroll.scrollTop = scroll.scrollHeight;
}

function openThread(ts) {
  const from = state.thread;
  state.thread = ts;
  draw();
  if (ts) threadBox?.focus();
  else document.querySelector(`[data-open-thread="${CSS.escape(from ?? "")}"]`)?.focus();
}

function go(place) {
  state.here = place;
  state.thread = null;
  at("frame").classList.remove("side-open");
  if (place === "home") act("home").then((said) => said.error && tell(said.error));
  draw();
}

function toggleSide() {
  if (at("frame").classList.toggle("side-open")) at("side").querySelector("button")?.focus();
  plan();
}

function become(user) {
  sessionStorage.setItem(ME, user);
  connect(user);
}

function connect(user) {
  state.chosen = user;
  follow(user, {
    onSnapshot: (snapshot) => { begin(snapshot); lost(null); plan(); },
    onChange: (kind, said) => { change(kind, said); plan(); },
    onBreak: () => lost("The local workspace is away. Trying again…"),
    onEnd: ended,
  });
}

function ended(status) {
  if (status === 401) return lost("This page's token is no longer the right one. Open the address that was printed when the workspace last started.");
  if (sessionStorage.getItem(ME)) sessionStorage.removeItem(ME);
  return setTimeout(() => connect(null), 1000);
}

function lost(text) {
  const bar = at("lost");
  if (bar.textContent === (text ?? "")) return;
  bar.hidden = !text;
  bar.textContent = text ?? "";
}

function tell(text) {
  const toast = make("div.toast", { "data-toast": true }, icon("warn"), make("span", {}, visible(text)), make("button.plain.icon-only", { type: "button", "aria-label": "Dismiss", onclick: () => toast.remove() }, icon("close")));
  at("toasts").append(toast);
  setTimeout(() => toast.remove(), 12_000);
}

function placeholder(channel) {
  const name = channel.direct ? state.people.get(channel.with)?.shown ?? channel.with : `#${channel.name}`;
  const command = state.app.commands[0]?.command;
  return `Message ${visibleText(name)}${command ? `, or type ${command}` : ""}`;
}

function title() {
  const fresh = places().reduce((sum, each) => sum + (each.id === state.here ? 0 : unread(each.id)), 0);
  const name = state.channels.get(state.here)?.name ?? state.app.name;
  document.title = visibleText(`${fresh ? `(${fresh}) ` : ""}${name} · ${state.app.team}`);
}

pin(at("scroll"));
document.addEventListener("visibilitychange", plan);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (at("frame").classList.contains("side-open")) at("frame").classList.remove("side-open");
  else if (state.thread) openThread(null);
});
at("main").addEventListener("click", (event) => {
  if (!event.target.closest("[data-toggle-side]")) at("frame").classList.remove("side-open");
});
connect(sessionStorage.getItem(ME));
