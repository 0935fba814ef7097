// Shows the topmost modal, keeps what is entered, submits, closes.
import { drawBlocks } from "./blocks.js";
import { confirmed } from "./confirm.js";
import { bookmark, fill, icon, make } from "./dom.js";
import { state } from "./state.js";
import { plain, visible } from "./text.js";
import { act } from "./wire.js";

const entered = new Map();
const wrong = new Map();
const busy = new Set();
let dialog = null;
let shown = null;
let back = null;

/** Show the person's topmost view, or none. */
export function drawModal() {
  const view = state.views.at(-1);
  if (!view) return remove();
  const version = JSON.stringify([view.id, view.hash, state.views.length, wrong.get(view.id), [...busy]]);
  if (version === shown) return undefined;
  const fresh = !dialog;
  if (fresh) open();
  const sameView = dialog.dataset.viewId === view.id;
  dialog.dataset.viewId = view.id;
  dialog.dataset.callbackId = view.callback_id;
  shown = version;
  fill(dialog, head(view), body(view), foot(view));
  if (!sameView || fresh) (dialog.querySelector("[autofocus]") ?? dialog.querySelector(".modal-body :is(input, textarea, select)") ?? dialog.querySelector(".modal-foot .primary") ?? dialog.querySelector(".modal-body"))?.focus();
  return undefined;
}

function open() {
  back = bookmark();
  dialog = make("dialog.modal", { "aria-labelledby": "modal-title", oncancel: (event) => { event.preventDefault(); close(); } });
  document.body.append(dialog);
  dialog.showModal();
}

function remove() {
  if (!dialog) return;
  dialog.close();
  dialog.remove();
  dialog = null;
  shown = null;
  back();
}

function close() {
  const view = state.views.at(-1);
  if (view) forget(view.id), act("close", { view: view.id });
}

function forget(id) {
  entered.delete(id);
  wrong.delete(id);
}

function head(view) {
  return make("header.modal-head", {},
    make("h2", { id: "modal-title" }, plain(view.title)),
    state.views.length > 1 ? make("span.depth", {}, `${state.views.length - 1} behind`) : null,
    make("button.plain.icon-only", { type: "button", "aria-label": "Close", "data-modal-close": true, onclick: close }, icon("close")));
}

function body(view) {
  const failed = wrong.get(view.id)?.block ? null : wrong.get(view.id)?.error;
  return make("div.modal-body", { tabindex: -1 },
    make("form.blocks", { id: "modal-form", novalidate: true, onsubmit: (event) => { event.preventDefault(); submit(view); } }, drawBlocks(view.blocks, contextOf(view))),
    failed ? make("p.failed", { role: "alert", "data-failed": true }, icon("warn"), visible(failed)) : null);
}

function foot(view) {
  return make("footer.modal-foot", {},
    make("button.button", { type: "button", "data-modal-cancel": true, onclick: close }, view.close ? plain(view.close) : "Close"),
    view.submit ? make("button.button.primary", { type: "submit", form: "modal-form", "data-modal-submit": true, "aria-busy": busy.has(view.id) ? "true" : undefined }, plain(view.submit)) : null);
}

function valuesOf(view) {
  if (!entered.has(view.id)) entered.set(view.id, {});
  return entered.get(view.id);
}

/** Return what elements of a view need: its values, its errors, its presses. */
export function contextOf(view, redraw = drawModal) {
  const values = valuesOf(view);
  return {
    entered: (block, action) => values[block]?.[action],
    enter: (block, action, value) => { values[block] = { ...values[block], [action]: value }; },
    busy: (block, action) => busy.has(`${view.id} ${block} ${action}`),
    error: (block) => wrong.get(view.id)?.errors?.[block],
    mark: (block) => (wrong.get(view.id)?.block === block ? [icon("warn"), ...visible(wrong.get(view.id).error)] : null),
    press: async (block, item) => {
      if (!(await confirmed(item.confirm))) return;
      const key = `${view.id} ${block.block_id} ${item.action_id}`;
      busy.add(key);
      redraw();
      const said = await act("click-in-view", { view: view.id, block: block.block_id, action: item.action_id, values });
      busy.delete(key);
      if (said.error) wrong.set(view.id, { error: said.error, block: block.block_id });
      else wrong.delete(view.id);
      redraw();
    },
  };
}

async function submit(view) {
  if (busy.has(view.id)) return;
  busy.add(view.id);
  wrong.delete(view.id);
  drawModal();
  const said = await act("submit", { view: view.id, values: valuesOf(view) });
  busy.delete(view.id);
  if (said.error || Object.keys(said.errors ?? {}).length) wrong.set(view.id, said);
  else if (!state.views.some((each) => each.id === view.id)) forget(view.id);
  drawModal();
  dialog?.querySelector(".error")?.parentElement?.querySelector("input, textarea, select")?.focus();
}
