// Draws messages, one by one and as the list of a channel or a thread.
import { drawBlocks } from "./blocks.js";
import { confirmed } from "./confirm.js";
import { clock, dayName, whenOf } from "./dates.js";
import { arrange, icon, make } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { isMember, shownIn, state } from "./state.js";
import { emoji, visible, visibleText } from "./text.js";
import { act } from "./wire.js";

const GROUPED_SECONDS = 300;
const SHOWN = 400;
const entered = new Map();
const pressed = new Set();

/** Show the messages of a channel or a thread in an element. */
export function list(element, channel, thread, actions) {
  const messages = shownIn(channel.id, thread).slice(-SHOWN);
  const items = [];
  let before = null;
  for (const message of messages) {
    const at = whenOf(message.ts);
    if (thread === null && (!before || whenOf(before.ts).toDateString() !== at.toDateString())) {
      items.push({ key: `day ${at.toDateString()}`, version: "", item: { day: at } });
      before = null;
    }
    const follows = before?.user === message.user && !before.reply_count && !message.is_ephemeral && !before.is_ephemeral && message.ts - before.ts < GROUPED_SECONDS;
    const mark = state.marks.get(message.ts);
    const version = JSON.stringify([message, follows, mark, [...pressed].filter((key) => key.startsWith(message.ts)), state.people.get(message.user)?.shown, channel.archived]);
    items.push({ key: message.ts, version, item: { message, follows, channel, thread, actions } });
    before = message;
  }
  arrange(element, items, (item) => (item.day ? make("div.day", {}, make("span", {}, dayName(item.day))) : article(item)));
}

function article({ message, follows, channel, thread, actions }) {
  const author = state.people.get(message.user);
  const name = author?.shown ?? (message.user === "USLACKBOT" ? "Slack" : message.user);
  const at = whenOf(message.ts);
  const only = message.is_ephemeral ? ".only-you" : "";
  return make(`article.message${follows ? ".follows" : ""}${only}${message.failed ? ".broken" : ""}`, { "data-message-ts": message.ts, "data-author": message.user, "data-ephemeral": message.is_ephemeral },
    follows ? make("div.avatar-room", { "aria-hidden": "true" }) : avatar(message.user, name),
    make("div.body", {},
      message.is_ephemeral ? make("p.only", {}, icon("eye"), "Only visible to you", make("button.plain", { type: "button", "data-dismiss": message.ts, onclick: () => act("dismiss", { ts: message.ts }) }, "Dismiss")) : null,
      make("header.who", {}, make("strong.name", {}, visible(name)),
        message.bot_id || author?.bot ? make("span.tag", {}, "app") : null,
        author?.stranger ? make("span.tag.other", {}, "other workspace") : author?.guest ? make("span.tag.other", {}, "guest") : null,
        make("time.at", { datetime: at.toISOString(), title: at.toString() }, clock(at))),
      content(message, channel, actions),
      reactions(message),
      thread === null && message.reply_count ? replies(message, actions) : null),
    thread === null && !message.is_ephemeral ? make("button.reply", { type: "button", title: "Reply in a thread", "aria-label": "Reply in a thread", "data-open-thread": message.ts, onclick: () => actions.openThread(message.thread_ts ?? message.ts) }, icon("reply")) : null);
}

/** Return a person's picture: initials on a colour of their own. */
export function avatar(id, name) {
  const letters = [...name.trim()].filter((letter) => /[\p{L}\p{N}]/u.test(letter));
  const colour = [...id].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 997, 7) % 8;
  const bot = state.people.get(id)?.bot;
  if (bot) return make("div.avatar.avatar-app", { "aria-hidden": "true" }, check());
  return make(`div.avatar.avatar-${colour}`, { "aria-hidden": "true" }, letters[0]?.toUpperCase() ?? "?");
}

function check() {
  return make("img", { src: "static/mark.svg", alt: "" });
}

function content(message, channel, actions) {
  if (!message.blocks?.length) {
    const edited = message.edited ? make("span.edited", {}, " (edited)") : null;
    return [make("div.text", {}, mrkdwn(message.text ?? ""), edited), lostMark(message)];
  }
  return make("div.blocks", {}, drawBlocks(message.blocks, contextOf(message, channel, actions)), lostMark(message));
}

/** Return the mark of a press whose row of buttons was painted anew meanwhile. */
function lostMark(message) {
  const mark = state.marks.get(message.ts);
  if (!mark || message.blocks?.some((block) => block.block_id === mark.block)) return null;
  return make("p.failed", { role: "alert", "data-failed": true }, markOf(mark, mark.block));
}

function contextOf(message, channel, actions) {
  const values = entered.get(message.ts) ?? {};
  return {
    entered: (block, action) => values[block]?.[action],
    enter: (block, action, value) => {
      values[block] = { ...values[block], [action]: value };
      entered.set(message.ts, values);
    },
    busy: (block, action) => pressed.has(`${message.ts} ${block} ${action}`),
    mark: (block) => markOf(state.marks.get(message.ts), block),
    press: async (block, item) => {
      if (!(await confirmed(item.confirm))) return;
      const key = `${message.ts} ${block.block_id} ${item.action_id}`;
      pressed.add(key);
      state.marks.delete(message.ts);
      actions.redraw();
      const said = await act("click", { channel: channel.id, ts: message.ts, block: block.block_id, action: item.action_id, values });
      pressed.delete(key);
      if (said.error) state.marks.set(message.ts, { block: block.block_id, text: said.error });
      actions.redraw();
    },
  };
}

function markOf(mark, block) {
  return mark?.block === block ? [icon("warn"), ...visible(mark.text)] : null;
}

function reactions(message) {
  if (!message.reactions?.length) return null;
  return make("p.reactions", {}, message.reactions.map(({ name, count, users }) =>
    make("span.reaction", { title: visibleText(users.map((user) => state.people.get(user)?.shown ?? user).join(", ")) }, emoji(name), ` ${count}`)));
}

function replies(message, actions) {
  const count = message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`;
  return make("button.replies", { type: "button", "data-thread-of": message.ts, onclick: () => actions.openThread(message.ts) },
    message.reply_users.slice(0, 3).map((user) => avatar(user, state.people.get(user)?.shown ?? user)),
    make("span", {}, count), make("span.last", {}, `Last reply ${dayName(whenOf(message.latest_reply)).toLowerCase()} at ${clock(whenOf(message.latest_reply))}`));
}

/** Return what an empty channel says. */
export function emptiness(channel) {
  const name = channel.direct ? state.people.get(channel.with)?.shown ?? channel.with : `#${channel.name}`;
  const command = state.app.commands[0]?.command;
  return make("div.empty", {},
    make("h2", {}, "This is the beginning of ", make("strong", {}, visible(name))),
    make("p", {}, isMember(channel) ? "What needs an approval will appear here as a card." : "You look in from outside: you are not a member."),
    command ? make("p", {}, "Type ", make("kbd", {}, `${command} help`), " below to see what ", visible(state.app.name), " can do.") : null);
}
