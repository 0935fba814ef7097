// Makes text visible: what cannot be seen, or reorders what can, is shown by its code point.
import { make } from "./dom.js";

const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\p{Zs}\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;
// Not one class of all three: some releases of V8 then miss characters beyond U+FFFF.
const PICTURE = /\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f/u;
const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨", lock: "🔒",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", no_entry: "⛔", no_entry_sign: "🚫", eyes: "👀", bell: "🔔",
  robot_face: "🤖", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", tada: "🎉", information_source: "ℹ️",
  question: "❓", key: "🔑", mag: "🔍", memo: "📝", clock1: "🕐", large_green_circle: "🟢", red_circle: "🔴",
};

/** Return nodes for text in which every unseen character is a visible mark. */
export function visible(text) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(UNSEEN)) {
    const [character] = found;
    if (" \n\t".includes(character)) continue;
    const joins = character === "\u200d" || character === "\ufe0f";
    if (joins && PICTURE.test([...text.slice(Math.max(0, found.index - 2), found.index)].at(-1) ?? "")) continue;
    nodes.push(text.slice(from, found.index), mark(character));
    from = found.index + character.length;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}

function mark(character) {
  const code = character.codePointAt(0).toString(16).toUpperCase();
  return make("span.unseen", { title: `invisible character U+${code.padStart(4, "0")}` }, `\\u{${code}}`);
}

/** Return text with every unseen character written as its code point, where only text can be. */
export function visibleText(text) {
  return visible(String(text ?? "")).map((node) => node.textContent ?? node).join("");
}

/** Return nodes for a plain_text object. */
export function plain(object) {
  if (!object) return [];
  return object.emoji === false ? visible(object.text) : withEmoji(object.text);
}

/** Return a picture for an emoji's name, or the name between colons. */
export function emoji(name, unicode) {
  const picture = EMOJI[name] ?? fromCode(unicode);
  return picture ? make("span.emoji", { role: "img", "aria-label": name }, picture) : `:${name}:`;
}

function fromCode(unicode) {
  if (!/^[0-9a-f]{2,6}(-[0-9a-f]{2,6})*$/i.test(unicode ?? "")) return null;
  const points = unicode.split("-").map((code) => Number.parseInt(code, 16));
  return points.every((point) => point <= 0x10ffff) ? String.fromCodePoint(...points) : null;
}

function withEmoji(text) {
  return text.split(/(:[a-z0-9_+-]+:)/).map((part) => {
    const name = /^:(.+):$/.exec(part)?.[1];
    return name && Object.hasOwn(EMOJI, name) ? emoji(name) : visible(part);
  });
}

/** Return a link, inert unless it leads to http(s) or mail. */
export function link(url, label) {
  let target = null;
  try {
    target = new URL(url);
  } catch {
    target = null;
  }
  const shown = label ? visible(label) : visible(url);
  if (!target || !["http:", "https:", "mailto:"].includes(target.protocol)) {
    return make("span.dead-link", { title: "this link leads nowhere" }, shown);
  }
  return make("a", { href: target.href, target: "_blank", rel: "noopener noreferrer nofollow", title: target.href }, shown);
}
