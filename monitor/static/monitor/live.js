/* Pages that are alive: they ask again only while somebody looks, never under a reader's hand, and say so when the
   platform does not answer. */
(function () {
  "use strict";
  const lost = document.getElementById("lost");

  function busy(region) {
    const at = document.activeElement;
    if (at && region.contains(at) && at.matches("input, select, textarea")) return true;
    const chosen = document.getSelection();
    return Boolean(chosen && !chosen.isCollapsed && region.contains(chosen.anchorNode));
  }

  document.addEventListener("htmx:beforeRequest", function (event) {
    const region = event.target;
    if (!region.hasAttribute("data-live")) return;
    if (document.hidden || busy(region)) event.preventDefault();
  });

  /* Opened details stay open when their surroundings are exchanged. */
  let opened = [];
  document.addEventListener("htmx:beforeSwap", function (event) {
    opened = Array.from(event.target.querySelectorAll("details[open][id]"), (item) => item.id);
  });
  document.addEventListener("htmx:afterSwap", function () {
    tell(false);
    for (const id of opened) {
      const item = document.getElementById(id);
      if (item) item.open = true;
    }
  });

  function tell(isLost) {
    if (lost) lost.hidden = !isLost;
  }
  document.addEventListener("htmx:sendError", () => tell(true));
  document.addEventListener("htmx:responseError", () => tell(true));
  document.addEventListener("htmx:timeout", () => tell(true));

  /* Lists that are chosen from without a button. */
  document.addEventListener("change", function (event) {
    const form = event.target.closest("form[data-auto]");
    if (form) form.submit();
  });
})();
