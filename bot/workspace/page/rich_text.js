// Draws rich text, whose text is never parsed.
import { date } from "./dates.js";
import { make } from "./dom.js";
import { broadcast, channel, person, usergroup } from "./mentions.js";
import { emoji, link, visible } from "./text.js";

/** Return the parts of a rich_text block. */
export function richText(block) {
  return block.elements.map((element) => {
    switch (element.type) {
      case "rich_text_preformatted": return make("pre.rich", {}, line(element));
      case "rich_text_quote": return make("blockquote", {}, line(element));
      case "rich_text_list": return list(element);
      default: return make("div.rich-line", {}, line(element));
    }
  });
}

function list({ style, elements, indent = 0, offset = 0 }) {
  const start = style === "ordered" ? offset + 1 : undefined;
  const items = elements.map((each) => make("li", {}, line(each)));
  return make(`${style === "ordered" ? "ol" : "ul"}.rich.indent-${Math.min(indent, 8)}`, { start }, items);
}

function line({ elements }) {
  return elements.map((element) => styled(leaf(element), element.style));
}

function leaf(element) {
  switch (element.type) {
    case "text": return visible(element.text);
    case "link": return link(element.url, element.text);
    case "emoji": return emoji(element.name, element.unicode);
    case "user": return person(element.user_id);
    case "usergroup": return usergroup(element.usergroup_id);
    case "channel": return channel(element.channel_id);
    case "broadcast": return broadcast(element.range);
    case "date": return date(element.timestamp, element.format, element.fallback);
    default: return visible(String(element.value ?? ""));
  }
}

function styled(nodes, style = {}) {
  let wrapped = nodes;
  for (const [name, tag] of [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"]]) {
    if (style[name]) wrapped = make(tag, {}, wrapped);
  }
  return wrapped;
}
