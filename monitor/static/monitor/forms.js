/* Parts of a form that only one choice of a list needs. Without script all parts are shown. */
(function () {
  "use strict";
  for (const part of document.querySelectorAll("[data-shown-by]")) {
    const list = document.getElementById(part.dataset.shownBy);
    if (!list) continue;
    const show = () => { part.hidden = list.value !== part.dataset.shownFor; };
    list.addEventListener("change", show);
    show();
  }
})();
