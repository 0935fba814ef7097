// The box in which messages and slash commands are typed.
import { icon, make } from "./dom.js";
import { state } from "./state.js";
import { visible } from "./text.js";
import { act } from "./wire.js";

/** Build a box in a form; `where()` returns {channel, thread}, `tell` shows what failed, `sending` hears of what is sent. */
export function compose(form, id, where, tell, sending) {
  const hints = make("div.hints", { id: `${id}-hints`, role: "status", hidden: true });
  const box = make("textarea", { id, rows: 1, "aria-label": "Message", "aria-describedby": hints.id, "data-composer": id, oninput: changed, onkeydown: typed });
  const send = make("button.send", { type: "submit", "aria-label": "Send", title: "Send (Enter)" }, icon("send"));
  form.append(hints, make("div.box", {}, box, send));
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });

  function changed() {
    box.rows = Math.min(8, box.value.split("\n").length);
    const found = box.value.startsWith("/") && !where().thread ? state.app.commands.filter((each) => `${each.command} `.startsWith(box.value.split(" ")[0])) : [];
    hints.hidden = !found.length;
    hints.replaceChildren(...found.map((each) => hint(each)));
  }

  function hint(each) {
    return make("button.hint-row", { type: "button", "data-command": each.command, onclick: () => { if (!box.value.startsWith(`${each.command} `)) box.value = `${each.command} `; changed(); box.focus(); } },
      make("strong", {}, each.command), make("span.usage", {}, visible(each.hint)), make("span.described", {}, visible(each.description)));
  }

  function typed(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
    if (event.key === "Tab" && !event.shiftKey && !hints.hidden && !box.value.includes(" ")) { event.preventDefault(); hints.querySelector("button").click(); }
    if (event.key === "Escape") hints.hidden = true;
  }

  async function submit() {
    const text = box.value.trim();
    const { channel, thread } = where();
    if (!text || !channel) return;
    const [, command, rest] = /^(\/\S+)\s*([^]*)$/.exec(text) ?? [];
    box.value = "";
    changed();
    if (command && thread) { tell("Slack takes slash commands in channels only, not in threads."); return; }
    sending();
    const said = command ? await act("command", { channel, command, text: rest }) : await act("say", { channel, text, thread });
    if (said.error && !command) tell(said.error);
    else if (said.error && !state.app.commands.some((each) => each.command === command)) tell(said.error);
  }
  return box;
}
