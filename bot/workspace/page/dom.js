// Builds elements. Text only ever becomes text nodes: nothing here parses HTML.

/** Return a new element: `make("p.note", {title: "…"}, "text", child)`. */
export function make(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Replace an element's children, keeping the focus where it was. */
export function fill(element, ...children) {
  const focused = element.contains(document.activeElement) ? address(document.activeElement) : null;
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  if (focused) refocus(element, focused);
}

/** Show keyed items in order, touching only those whose version changed. */
export function arrange(element, items, draw) {
  const before = new Map([...element.children].map((child) => [child.dataset.key, child]));
  const focused = element.contains(document.activeElement) ? address(document.activeElement) : null;
  const wanted = items.map(({ key, version, item }) => {
    const kept = before.get(key);
    if (kept?.dataset.version === version) return kept;
    const drawn = draw(item);
    drawn.dataset.key = key;
    drawn.dataset.version = version;
    return drawn;
  });
  const same = wanted.length === element.children.length && wanted.every((child, i) => element.children[i] === child);
  if (same) return;
  element.replaceChildren(...wanted);
  if (focused && !element.contains(document.activeElement)) refocus(element, focused);
}

/** Return a small drawing from our own fixed set. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", DRAWINGS[name]);
  svg.append(path);
  return svg;
}

const DRAWINGS = {
  hash: "M7.5 3 6 17M14 3l-1.500 14M3.500 7.500h14M2.500 12.500h14",
  lock: "M5.500 9h9v7.500h-9zM7.500 9V6.500a2.500 2.500 0 0 1 5 0V9",
  close: "M5 5l10 10M15 5 5 15",
  send: "M3 10 17 3.500 12.500 17 9.500 11.500zM9.500 11.500 17 3.500",
  eye: "M2 10s3-5.500 8-5.500S18 10 18 10s-3 5.500-8 5.500S2 10 2 10zM10 7.800a2.200 2.200 0 1 1 0 4.400 2.200 2.200 0 0 1 0-4.400",
  warn: "M10 3 18 16.500H2zM10 8v4.200M10 14.300v.3",
  menu: "M3 5.500h14M3 10h14M3 14.500h14",
  reply: "M4 4.500h12v8.500H9l-3.500 3v-3H4z",
  archive: "M3 4h14v3.500H3zM4.500 7.500V16h11V7.500M8 10.500h4",
};

/** Return what puts the focus back where it is now, also where that is painted anew meanwhile. */
export function bookmark() {
  const focused = document.activeElement;
  const named = address(focused);
  const place = focused?.closest("[role=log]") ?? document.body;
  return () => {
    if (focused?.isConnected) focused.focus({ preventScroll: true });
    else if (named) refocus(place, named);
  };
}

/** Put the focus on what is named so; a card that is painted anew has other blocks. */
function refocus(element, address) {
  const found = element.querySelector(address.exact) ?? element.querySelector(address.loose);
  found?.focus({ preventScroll: true });
}

/** Return selectors of an element by what it and those around it are named, with and without blocks. */
function address(element) {
  const exact = [], loose = [];
  for (let at = element; at && at !== document.body; at = at.parentElement) {
    const { messageTs, blockId, actionId, option, channelId, userId, role } = at.dataset ?? {};
    const named = { "message-ts": messageTs, "block-id": blockId, "action-id": actionId, option, "channel-id": channelId, "user-id": userId, role };
    const own = Object.entries(named).filter(([, value]) => value !== undefined).map(([name, value]) => [name, `[data-${name}="${CSS.escape(value)}"]`]);
    const free = own.filter(([name]) => name !== "block-id");
    if (own.length) exact.unshift(own.map(([, selector]) => selector).join(""));
    if (free.length) loose.unshift(free.map(([, selector]) => selector).join(""));
  }
  return exact.length && loose.length ? { exact: exact.join(" "), loose: loose.join(" ") } : null;
}
