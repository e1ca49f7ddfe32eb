// Times in the reader's own zone; the token of forms for htmx; talking in "Try it".
"use strict";

function localTimes(root) {
  for (const one of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(one.dateTime);
    if (isNaN(at)) continue;
    one.dataset.local = "";
    one.title = one.textContent;
    one.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
}

// What passes by itself is cleared by the next answer; what went wrong with a form stays till it is sent again.
function tell(text, passing = false) {
  const place = document.getElementById("told");
  if (!place || (passing && place.dataset.stays && place.textContent)) return;
  place.textContent = text;
  place.dataset.stays = passing ? "" : "yes";
}

document.addEventListener("DOMContentLoaded", () => localTimes(document));
document.addEventListener("htmx:load", (event) => localTimes(event.target));
document.addEventListener("htmx:sendError", (event) => {
  const polls = event.detail.elt.matches("[hx-trigger*=every]");
  tell(polls ? "The server cannot be reached. This page tries again." : "The server cannot be reached. Try again.", true);
});
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) tell("", true); });
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status < 400) return;
  // What asks again and again stays, and goes on asking; else the error is shown where the answer would be.
  const polls = event.detail.target.matches("[hx-trigger*=every]");
  if (polls) tell("The server or its database cannot serve now. What stands here may be old; this page tries again.", true);
  event.detail.shouldSwap = !polls && event.detail.target !== document.body;
});
// News wait while something is written or read in what they would replace.
document.addEventListener("htmx:beforeSwap", (event) => {
  const old = event.detail.target;
  if (!old.matches("[hx-trigger*=every]")) return;
  if (old.querySelector("details[open] form") || old.querySelector("input:focus, textarea:focus, select:focus")) event.detail.shouldSwap = false;
});
// The keyboard stays where it was when an answer takes its button away: at what is to be mended, or at
// the head of what was opened; with more of a list at the first of it.
let left = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  left = target.contains(document.activeElement) ? { target, before: target.previousElementSibling } : null;
});
document.addEventListener("htmx:afterSettle", () => {
  if (!left || document.activeElement !== document.body) return;
  const { target, before } = left;
  left = null;
  let place = before?.nextElementSibling?.querySelector("summary");
  if (target.id === "beside") place = document.getElementById("beside");
  else if (target.isConnected) place = target.querySelector("[role=alert] ~ div :is(input, select, textarea)") ?? target.closest("details")?.querySelector("summary");
  place?.focus({ preventScroll: true });
});
// What was done is said where it was done; of a field that was emptied nothing stands there any more.
document.addEventListener("DOMContentLoaded", () => {
  if (!location.hash) return;
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const done = document.querySelector(".note[role=status]");
  if (done && place?.matches("section.field")) place.prepend(done);
  if (!place) document.getElementById("main").focus();
});
// A value is loaded when it is first opened; what failed is tried again when it is opened again.
document.addEventListener("htmx:beforeRequest", (event) => {
  const one = event.detail.elt;
  if (one.matches("details") && (!one.open || one.dataset.loaded)) event.preventDefault();
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt.matches("details") && event.detail.successful) event.detail.elt.dataset.loaded = "yes";
});

// Filters apply as soon as they are chosen.
document.addEventListener("change", (event) => {
  if (event.target.closest("form[data-at-once]")) event.target.form.requestSubmit();
});

// "Try it": the reply comes in pieces; what is learned marks its words in the conversation.
function put(kind, text) {
  const item = document.createElement("li");
  item.className = kind;
  const who = document.createElement("span");
  who.className = "sr";
  who.textContent = kind === "user" ? "You: " : "Bot: ";
  const words = document.createElement("bdi");
  words.className = "text";
  words.textContent = text;
  item.append(who, words);
  document.getElementById("said").append(item);
  item.scrollIntoView({ block: "nearest" });
  return words;
}

// With what was shown for each answer, which is known once the answer is whole. What stands already
// stays, with all that is open in it.
async function reread(address) {
  const answer = await fetch(address);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const said = page.getElementById("said");
  if (!answer.ok || !said) return;
  const list = document.getElementById("said");
  const stand = [...list.children];
  const known = (one) => one.querySelector(":scope > details")?.getAttribute("hx-get");
  [...said.children].forEach((item, at) => {
    const old = stand[at];
    if (old && known(old) === known(item) && wordsOf(old) === wordsOf(item)) return;
    if (old) old.replaceWith(item);
    else list.append(item);
    htmx.process(item);
  });
  for (const one of stand.slice(said.children.length)) one.remove();
  markWords();
}

function wordsOf(item) {
  return item.querySelector(".text").textContent;
}

// Of what got no answer the words stand already; they are the same message when they are said again.
async function say(form) {
  const field = document.getElementById("text");
  const button = document.querySelector("#say button");
  const text = form.elements.text.value.trim();
  if (!text || button.disabled) return;
  button.disabled = true;
  const body = new URLSearchParams(new FormData(form));
  const failed = document.querySelector("#said li.failed");
  const unanswered = failed?.querySelector("form").elements.text.value === text;
  const mine = unanswered ? null : put("user", text);
  if (form.elements.text === field) field.value = "";
  failed?.remove();
  tell("");
  const reply = put("bot", "…");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "hx-request": "true" } });
    if (!answer.ok || !answer.body) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      throw new Error(page.body.textContent.trim() || "This could not be said.");
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let all = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      all += value;
      reply.textContent = all;
    }
    history.replaceState(null, "", form.dataset.page);
    await reread(form.dataset.page);
  } catch (error) {
    for (const one of [mine, reply]) one?.closest("li").remove();
    if (failed) document.getElementById("said").append(failed);
    if (!unanswered) field.value = text;
    tell(error instanceof TypeError ? "The answer broke off: the server or its database cannot be reached. What you said stands in the box; try again." : error.message);
  } finally {
    button.disabled = false;
    field.focus();
    if (window.htmx) htmx.trigger(document.body, "said");
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("#say, .again")) return;
  event.preventDefault();
  say(event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.target.id === "text" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

function markWords() {
  const quotes = [...document.querySelectorAll("#beside [data-quote]")].map((one) => one.dataset.quote);
  for (const words of document.querySelectorAll("#said li.user .text")) {
    for (const quote of quotes.filter(Boolean)) {
      // Only in text that bears no mark yet.
      const place = [...words.childNodes].find((one) => one.nodeType === 3 && one.data.includes(quote));
      if (!place) continue;
      const said = place.splitText(place.data.indexOf(quote));
      said.splitText(quote.length);
      const mark = document.createElement("mark");
      said.replaceWith(mark);
      mark.append(said);
    }
  }
}
document.addEventListener("htmx:load", markWords);
setInterval(() => {
  for (const one of document.querySelectorAll("[data-due]")) {
    const left = Math.ceil(Number(one.dataset.due) - Date.now() / 1000);
    one.textContent = left > 0 ? `due in ${left} s` : "due now";
  }
}, 1000);
