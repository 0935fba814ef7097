// Asks before a button that wants to be confirmed does something.
import { bookmark, make } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { plain } from "./text.js";

/** Resolve to whether the person confirmed; at once where nothing asks for it. */
export function confirmed(asked) {
  if (!asked) return Promise.resolve(true);
  return new Promise((resolve) => {
    const back = bookmark();
    const done = (answer) => {
      dialog.close();
      dialog.remove();
      back();
      resolve(answer);
    };
    const text = asked.text.type === "mrkdwn" ? mrkdwn(asked.text.text) : plain(asked.text);
    const dialog = make("dialog.confirm", { "aria-labelledby": "confirm-title", "data-confirm": true, oncancel: () => done(false) },
      make("h2", { id: "confirm-title" }, plain(asked.title)),
      make("p", {}, text),
      make("div.buttons", {},
        make("button.button", { type: "button", "data-confirm-deny": true, onclick: () => done(false) }, plain(asked.deny)),
        make(`button.button.${asked.style === "danger" ? "danger" : "primary"}`, { type: "button", "data-confirm-accept": true, onclick: () => done(true) }, plain(asked.confirm))));
    document.body.append(dialog);
    dialog.showModal();
  });
}
