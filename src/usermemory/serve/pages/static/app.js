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

function tell(text) {
  const place = document.getElementById("told");
  if (place) place.textContent = text;
}

document.addEventListener("DOMContentLoaded", () => localTimes(document));
document.addEventListener("htmx:load", (event) => localTimes(event.target));
document.addEventListener("htmx:sendError", () => tell("The server cannot be reached. This page tries again."));
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) tell(""); });
document.addEventListener("htmx:beforeSwap", (event) => {
  // What went wrong is shown where the answer would be.
  if (event.detail.xhr.status >= 400) event.detail.shouldSwap = event.detail.target !== document.body;
});

// Filters apply as soon as they are chosen.
document.addEventListener("change", (event) => {
  if (event.target.closest("form[data-at-once]")) event.target.form.requestSubmit();
});
