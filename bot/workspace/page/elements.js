// Draws interactive elements. `context` holds what was entered and does what is pressed:
// {entered(block, action), enter(block, action, value), press(block, element), busy(block, action)}
import { make } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { state } from "./state.js";
import { link, plain, visible, visibleText } from "./text.js";

/** Return a drawn element of a block. */
export function element(block, item, context, label) {
  const draw = { button, overflow, static_select: select, multi_static_select: select, users_select: people, radio_buttons: options, checkboxes: options, datepicker: day, plain_text_input: written, number_input: written }[item.type];
  if (!draw) return make("span.unknown", {}, visible(`[${item.type}]`));
  return draw(block, item, context, label);
}

/** Return what an element starts with. */
export function initial(item) {
  if (item.initial_option) return item.initial_option.value;
  if (item.initial_options) return item.initial_options.map((option) => option.value);
  return item.initial_value ?? item.initial_user ?? item.initial_date ?? null;
}

function current(block, item, context) {
  return context.entered(block.block_id, item.action_id) ?? initial(item);
}

function names(item) {
  return { "data-action-id": item.action_id };
}

function button(block, item, context) {
  const busy = context.busy(block.block_id, item.action_id);
  const style = { primary: ".primary", danger: ".danger" }[item.style] ?? "";
  const drawn = make(`button.button${style}`, {
    ...names(item), type: "button", "aria-label": item.accessibility_label, "aria-busy": busy ? "true" : undefined,
    onclick: () => context.press(block, item),
  }, make("span", {}, plain(item.text)));
  return item.url ? make("span.with-link", {}, drawn, make("small", {}, link(item.url))) : drawn;
}

function overflow(block, item, context) {
  const menu = make("select.select.overflow", {
    ...names(item), "aria-label": "More actions",
    onchange: () => { context.enter(block.block_id, item.action_id, menu.value); context.press(block, item); menu.value = ""; },
  }, make("option", { value: "" }, "…"), item.options.map((option) => make("option", { value: option.value }, plainOf(option.text))));
  return menu;
}

function select(block, item, context, label) {
  const many = item.type === "multi_static_select";
  const chosen = [current(block, item, context) ?? []].flat();
  const first = many ? null : make("option", { value: "" }, plainOf(item.placeholder) || "Choose…");
  const drawn = make("select.select", {
    ...names(item), "aria-label": label || plainOf(item.placeholder) || "Choose", multiple: many, autofocus: item.focus_on_load,
    onchange: () => {
      const values = [...drawn.selectedOptions].map((option) => option.value).filter((value) => value !== "");
      context.enter(block.block_id, item.action_id, many ? values : values[0] ?? "");
      if (block.type !== "input" || block.dispatch_action) context.press(block, item);
    },
  }, first, item.options.map((option) => make("option", { value: option.value, selected: chosen.includes(option.value) }, plainOf(option.text))));
  return drawn;
}

function people(block, item, context, label) {
  const options = [...state.people.values()].filter((each) => !each.bot && !each.deleted).map((each) => ({ value: each.id, text: { text: each.shown } }));
  return select(block, { ...item, options, initial_option: item.initial_user ? { value: item.initial_user } : undefined }, context, label);
}

function options(block, item, context, label) {
  const many = item.type === "checkboxes";
  const chosen = [current(block, item, context) ?? []].flat();
  const group = `${block.block_id}/${item.action_id}`;
  const text = (object) => (object.type === "mrkdwn" ? mrkdwn(object.text) : plain(object));
  const fieldset = make("fieldset.options", { ...names(item), "aria-label": label || "Choices", role: many ? "group" : "radiogroup" },
    item.options.map((option) => make("label.option", {},
      make("input", { type: many ? "checkbox" : "radio", name: group, value: option.value, checked: chosen.includes(option.value), "data-option": option.value, onchange: changed }),
      make("span", {}, text(option.text), option.description ? make("small", {}, text(option.description)) : null))));
  function changed() {
    const values = [...fieldset.querySelectorAll("input:checked")].map((input) => input.value);
    context.enter(block.block_id, item.action_id, many ? values : values[0]);
    if (block.type !== "input" || block.dispatch_action) context.press(block, item);
  }
  return fieldset;
}

function day(block, item, context, label) {
  const drawn = make("input.field", {
    ...names(item), type: "date", "aria-label": label || plainOf(item.placeholder) || "Date", value: current(block, item, context),
    onchange: () => { context.enter(block.block_id, item.action_id, drawn.value); if (block.type !== "input") context.press(block, item); },
  });
  return drawn;
}

function written(block, item, context, label) {
  const value = current(block, item, context) ?? "";
  const shared = {
    ...names(item), "aria-label": label || plainOf(item.placeholder) || "Text", placeholder: plainOf(item.placeholder) || undefined, autofocus: item.focus_on_load,
    maxlength: item.max_length, oninput: (event) => context.enter(block.block_id, item.action_id, event.target.value),
  };
  if (item.multiline) {
    const area = make("textarea.field", { ...shared, rows: 4 });
    area.value = value;
    return area;
  }
  return make("input.field", { ...shared, type: "text", inputmode: item.type === "number_input" ? "decimal" : undefined, value });
}

function plainOf(object) {
  return visibleText(object?.text);
}
