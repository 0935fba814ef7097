// Reads Slack's mrkdwn, so that a message which uses it looks here as it would look there.
import { date } from "./dates.js";
import { make } from "./dom.js";
import { broadcast, channel, person, usergroup } from "./mentions.js";
import { link, plain, visible } from "./text.js";

const PIECE = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*(?!\s)([^*\n]+?)(?<!\s)\*(?![\w*])|(?<![\w_])_(?!\s)([^_\n]+?)(?<!\s)_(?![\w_])|(?<![\w~])~(?!\s)([^~\n]+?)(?<!\s)~(?![\w~])/g;

/** Return nodes for mrkdwn. */
export function mrkdwn(text) {
  const nodes = [];
  for (const [i, run] of text.split(/^((?:(?:&gt;|>).*\n?)+)/m).entries()) {
    if (i % 2 === 0) nodes.push(...inline(run));
    else nodes.push(make("blockquote", {}, inline(run.replace(/^(&gt;|>) ?/gm, ""))));
  }
  return nodes;
}

function inline(text) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(PIECE)) {
    nodes.push(...written(text.slice(from, found.index)), piece(found));
    from = found.index + found[0].length;
  }
  nodes.push(...written(text.slice(from)));
  return nodes;
}

function piece([, block, code, control, bold, italic, strike]) {
  if (block !== undefined) return make("pre", {}, visible(decoded(block.replace(/^\n/, ""))));
  if (code !== undefined) return make("code", {}, visible(decoded(code)));
  if (control !== undefined) return reference(control);
  if (bold !== undefined) return make("strong", {}, inline(bold));
  if (italic !== undefined) return make("em", {}, inline(italic));
  return make("s", {}, inline(strike));
}

function reference(control) {
  const [target, label] = control.split(/\|(.*)/s);
  if (target.startsWith("@")) return person(target.slice(1));
  if (target.startsWith("#")) return channel(target.slice(1));
  if (target.startsWith("!subteam^")) return usergroup(target.slice(9));
  const timed = /^!date\^(\d+)\^([^^]+)/.exec(target);
  if (timed) return date(Number(timed[1]), decoded(timed[2]), label && decoded(label));
  if (target.startsWith("!")) return broadcast(target.slice(1));
  return link(decoded(target), label && decoded(label));
}

function written(text) {
  return text === "" ? [] : plain({ text: decoded(text) }).flat(Infinity);
}

function decoded(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
