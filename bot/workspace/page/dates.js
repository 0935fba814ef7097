// Writes dates as Slack does, in the reader's own time zone.
import { make } from "./dom.js";

const TOKEN = /\{(date_num|date_slash|date_long_pretty|date_long|date_short_pretty|date_short|date_pretty|date|time_secs|time|ago)\}/g;

/** Return a <time> for seconds since 1970 in Slack's format tokens. */
export function date(timestamp, format, fallback) {
  const at = new Date(timestamp * 1000);
  if (Number.isNaN(at.getTime())) return make("span", {}, fallback ?? "");
  const shown = String(format).replace(TOKEN, (_, token) => part(at, token));
  return make("time.date", { datetime: at.toISOString(), title: `${at.toUTCString()}${fallback ? ` (${fallback})` : ""}` }, shown);
}

function part(at, token) {
  const day = (options) => at.toLocaleDateString("en", options);
  const long = { weekday: "long", year: "numeric", month: "long", day: "numeric" };
  switch (token) {
    case "date_num": return at.toISOString().slice(0, 10);
    case "date_slash": return day({ year: "numeric", month: "2-digit", day: "2-digit" });
    case "date": return day({ year: "numeric", month: "long", day: "numeric" });
    case "date_short": return day({ year: "numeric", month: "short", day: "numeric" });
    case "date_long": return day(long);
    case "date_pretty": return near(at) ?? day({ year: "numeric", month: "long", day: "numeric" });
    case "date_short_pretty": return near(at) ?? day({ year: "numeric", month: "short", day: "numeric" });
    case "date_long_pretty": return near(at) ?? day(long);
    case "time": return clock(at);
    case "time_secs": return at.toLocaleTimeString("en", { hour: "numeric", minute: "2-digit", second: "2-digit" });
    default: return ago(at);
  }
}

function near(at) {
  const midnight = (when) => new Date(when).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(at) - midnight(Date.now())) / 86_400_000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

function ago(at) {
  const minutes = Math.round((at.getTime() - Date.now()) / 60_000);
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(minutes, "minute");
}

/** Return hours and minutes. */
export function clock(at) {
  return at.toLocaleTimeString("en", { hour: "numeric", minute: "2-digit" });
}

/** Return when a message timestamp was. */
export function whenOf(ts) {
  return new Date(Number(ts) * 1000);
}

/** Return how a divider names a day. */
export function dayName(at) {
  const name = near(at);
  if (name) return name[0].toUpperCase() + name.slice(1);
  return at.toLocaleDateString("en", { weekday: "long", month: "long", day: "numeric" });
}
