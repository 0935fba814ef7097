// What the page knows; changed only here, by the feed and by what the reader opens.

export const state = {
  me: null, chosen: null, app: { name: "", commands: [] }, connected: null,
  people: new Map(), groups: {}, channels: new Map(),
  messages: new Map(), ephemerals: [], views: [], home: null,
  here: null, thread: null, read: {}, marks: new Map(), live: false,
};

const READ = "placet-workspace-read";

/** Take in the whole state as the feed begins. */
export function begin(snapshot) {
  const changed = state.me !== snapshot.me;
  Object.assign(state, {
    me: snapshot.me, app: snapshot.app, connected: snapshot.connected, groups: snapshot.groups,
    people: new Map(snapshot.people.map((each) => [each.id, each])),
    channels: new Map(snapshot.channels.map((each) => [each.id, each])),
    messages: new Map(Object.entries(snapshot.messages).map(([id, list]) => [id, new Map(list.map((m) => [m.ts, m]))])),
    ephemerals: snapshot.ephemerals, views: snapshot.views, home: snapshot.home, live: true,
  });
  if (changed) Object.assign(state, { read: remembered()[state.me] ?? {}, thread: null, marks: new Map() });
  if (state.here !== "home" && !state.channels.has(state.here)) state.here = places()[0]?.id ?? null;
}

/** Take in one change of the feed. */
export function change(kind, said) {
  if (kind === "message") timeline(said.channel).set(said.message.ts, said.message);
  if (kind === "deleted") timeline(said.channel).delete(said.ts);
  if (kind === "ephemeral") state.ephemerals = [...state.ephemerals, said.message];
  if (kind === "dismissed") state.ephemerals = state.ephemerals.filter((each) => each.ts !== said.ts);
  if (kind === "views") Object.assign(state, { views: said.views, home: said.home });
  if (kind === "connected") state.connected = said.wires;
}

/** Return the channels this person sees, their own first. */
export function places() {
  return [...state.channels.values()].sort((a, b) => isMember(b) - isMember(a) || a.direct - b.direct);
}

/** Tell whether the person is a member of a channel. */
export function isMember(channel) {
  return channel.members.includes(state.me);
}

/** Return a channel's messages, oldest first, with those only this person sees. */
export function shownIn(channel, thread = null) {
  const all = [...(state.messages.get(channel)?.values() ?? []), ...state.ephemerals.filter((each) => each.channel === channel)];
  const belongs = (m) => thread === null
    ? !m.thread_ts || m.thread_ts === m.ts || m.subtype === "thread_broadcast"
    : m.ts === thread || m.thread_ts === thread;
  return all.filter(belongs).sort((a, b) => (a.ts < b.ts ? -1 : 1));
}

/** Return how many messages of others came since the person last looked. */
export function unread(channel) {
  const since = state.read[channel] ?? "";
  return shownIn(channel).filter((m) => m.ts > since && m.user !== state.me).length;
}

/** Remember that the person has seen a channel up to now. */
export function markRead(channel) {
  const last = shownIn(channel).at(-1)?.ts;
  if (!last || state.read[channel] === last) return;
  state.read = { ...state.read, [channel]: last };
  sessionStorage.setItem(READ, JSON.stringify({ ...remembered(), [state.me]: state.read }));
}

function timeline(channel) {
  if (!state.messages.has(channel)) state.messages.set(channel, new Map());
  return state.messages.get(channel);
}

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(READ)) ?? {};
  } catch {
    return {};
  }
}
