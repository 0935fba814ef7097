// Draws Block Kit blocks, in messages, modals and the home tab alike.
import { make } from "./dom.js";
import { element } from "./elements.js";
import { mrkdwn } from "./mrkdwn.js";
import { richText } from "./rich_text.js";
import { plain, visible, visibleText } from "./text.js";

/** Return the drawn blocks; `context` as in elements.js, with `error(block)` for inputs. */
export function drawBlocks(blocks, context) {
  return blocks.map((block) => {
    const draw = { header, section, context: small, actions, divider, input, image, rich_text: (rich) => richText(rich) }[block.type];
    const inside = draw ? draw(block, context) : visible(`[${block.type}]`);
    return make(`div.block.block-${block.type.replace("_", "-")}`, { "data-block-id": block.block_id, "data-block-type": block.type }, inside);
  });
}

function textOf(object) {
  return object.type === "mrkdwn" ? mrkdwn(object.text) : plain(object);
}

function header(block) {
  return make("h2", {}, plain(block.text));
}

function section(block, context) {
  return [
    make("div.section-text", {},
      block.text ? make("p", {}, textOf(block.text)) : null,
      block.fields ? make("div.fields", {}, block.fields.map((field) => make("p", {}, textOf(field)))) : null),
    block.accessory ? make("div.accessory", {}, element(block, block.accessory, context)) : null,
  ];
}

function small(block) {
  return block.elements.map((item) => (item.type === "image" ? picture(item) : make("span", {}, textOf(item))));
}

function actions(block, context) {
  const mark = context.mark?.(block.block_id);
  return [
    make("div.row", { role: "group" }, block.elements.map((item) => element(block, item, context))),
    mark ? make("p.failed", { role: "alert", "data-failed": true }, mark) : null,
  ];
}

function divider() {
  return make("hr");
}

function input(block, context) {
  const error = context.error?.(block.block_id);
  const label = visibleText(block.label.text);
  return [
    make("div.label", {}, plain(block.label), block.optional ? make("span.optional", {}, " (optional)") : null),
    element(block, block.element, context, label),
    block.hint ? make("p.hint", {}, plain(block.hint)) : null,
    error ? make("p.error", { role: "alert", "data-error-for": block.block_id }, visible(error)) : null,
  ];
}

function image(block) {
  return [block.title ? make("p", {}, plain(block.title)) : null, picture(block)];
}

function picture(item) {
  return make("span.picture", { title: item.image_url }, "▧ ", visible(item.alt_text));
}
