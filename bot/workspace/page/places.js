// Draws the side: the app's state, channels, conversations, and who one acts as.
import { fill, icon, make } from "./dom.js";
import { avatar } from "./messages.js";
import { isMember, places, state, unread } from "./state.js";
import { visible } from "./text.js";

/** Draw the side; `go` opens a place, `become` changes the person. */
export function drawSide(element, { go, become }) {
  const all = places();
  fill(element,
    make("header.team", {}, make("img.team-mark", { src: "static/mark.svg", alt: "" }),
      make("div", {}, make("strong", {}, visible(state.app.team ?? "")), connection())),
    make("div.places", {},
      group("Channels", all.filter((each) => !each.direct && isMember(each)), go),
      group("Other channels", all.filter((each) => !each.direct && !isMember(each)), go),
      group("Direct messages", all.filter((each) => each.direct), go),
      state.app.home ? apps(go) : null),
    people(become));
}

function apps(go) {
  return [make("h2.group", { id: "group-apps" }, "Apps"),
    make("ul", { "aria-labelledby": "group-apps" }, make("li", {},
      make("button.place", { type: "button", "data-channel-id": "home", "aria-current": state.here === "home" ? "page" : undefined, onclick: () => go("home") },
        avatar(state.app.user, state.app.name), make("span.place-name", {}, visible(state.app.name)))))];
}

function connection() {
  if (state.connected === null) return make("span.connection", { "data-connected": "http" }, "delivers by HTTP");
  const on = state.connected > 0;
  return make("span.connection", { "data-connected": on ? "yes" : "no" }, make(`span.dot${on ? ".on" : ""}`), visible(state.app.name), on ? " is connected" : " is not connected");
}

function group(title, channels, go) {
  if (!channels.length) return null;
  const id = `group-${title.toLowerCase().replace(/\W+/g, "-")}`;
  return [make("h2.group", { id }, title), make("ul", { "aria-labelledby": id }, channels.map((each) => make("li", {}, place(each, go))))];
}

function place(channel, go) {
  const fresh = state.here === channel.id ? 0 : unread(channel.id);
  const name = channel.direct ? state.people.get(channel.with)?.shown ?? channel.with : channel.name;
  return make(`button.place${fresh ? ".unread" : ""}`, {
    type: "button", "data-channel-id": channel.id, "aria-current": state.here === channel.id ? "page" : undefined, onclick: () => go(channel.id),
  }, channel.direct ? avatar(channel.with, name) : icon(channel.archived ? "archive" : channel.private ? "lock" : "hash"),
  make("span.place-name", {}, visible(name)),
  fresh ? make("span.count", { "aria-label": `${fresh} unread` }, fresh > 99 ? "99+" : fresh) : null);
}

function people(become) {
  const shown = [...state.people.values()].filter((each) => !each.bot);
  return make("section.people", { "aria-labelledby": "group-people" },
    make("h2.group", { id: "group-people" }, "You act as"),
    make("div.persons", { role: "radiogroup", "aria-labelledby": "group-people" }, shown.map((each) => person(each, become))));
}

function person(each, become) {
  const note = each.deleted ? "deactivated" : each.stranger ? "other workspace" : each.guest ? "guest" : null;
  return make("label.person", { "data-user-id": each.id },
    make("input", { type: "radio", name: "person", value: each.id, checked: each.id === (state.chosen ?? state.me), disabled: each.deleted, "data-option": each.id, onchange: () => become(each.id) }),
    avatar(each.id, each.shown), make("span.place-name", {}, visible(each.shown)), note ? make("span.note", {}, note) : null);
}
