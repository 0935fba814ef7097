// Shows whom and what a message mentions.
import { make } from "./dom.js";
import { state } from "./state.js";
import { visible, visibleText } from "./text.js";

/** Return a mention of a person. */
export function person(id) {
  const found = state.people.get(id);
  const mine = id === state.me ? ".mine" : "";
  return make(`span.mention${mine}`, { "data-user-mention": id, title: id }, "@", visible(found?.shown ?? id));
}

/** Return a mention of a channel. */
export function channel(id) {
  const found = state.channels.get(id);
  return make("span.mention", { title: id }, "#", visible(found?.name ?? id));
}

/** Return a mention of a user group. */
export function usergroup(id) {
  const found = state.groups[id];
  const mine = found?.users.includes(state.me) ? ".mine" : "";
  const members = (found?.users ?? []).map((user) => state.people.get(user)?.shown ?? user).join(", ");
  return make(`span.mention${mine}`, { "data-usergroup-mention": id, title: visibleText(members || id) }, "@", visible(found?.handle ?? id));
}

/** Return a mention of everybody. */
export function broadcast(range) {
  return make("span.mention.mine.everybody", { "data-broadcast": range }, "@", visible(range));
}
