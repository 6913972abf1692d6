/* The demo's counter: seconds from the press of a button to the flag and to the mail. */
(function () {
  "use strict";
  const box = document.getElementById("demo-counter");
  if (!box) return;
  const EVERY_MS = 1000;
  /* After ten minutes nothing is awaited any more: the page was left open. */
  const LONGEST_S = 600;
  const steps = ["suspect", "flagged", "mailed"];
  const unit = box.querySelector("[data-unit]").textContent;
  let pressedAt = 0;
  let stoppedAt = null;

  function part(name) {
    return box.querySelector('[data-step="' + name + '"]');
  }

  function told(seconds) {
    return unit.replace("SECONDS", String(Math.floor(seconds)));
  }

  function show(found) {
    if (!found.pressed) return false;
    box.hidden = false;
    pressedAt = performance.now() - found.now * 1000;
    for (const name of steps) {
      const seconds = found[name];
      const reached = seconds !== null;
      part(name).classList.toggle("demo-done", reached);
      part(name).querySelector("i").textContent = reached ? told(seconds) : "";
    }
    part("untold").hidden = !found.untold;
    part("mailed").hidden = found.untold;
    part("read").hidden = found.mailed === null;
    stoppedAt = found.mailed !== null ? found.mailed : found.untold ? found.flagged : null;
    return stoppedAt === null && found.now < LONGEST_S;
  }

  function draw() {
    const seconds = stoppedAt !== null ? stoppedAt : (performance.now() - pressedAt) / 1000;
    part("now").textContent = told(seconds);
  }

  function ask() {
    fetch(box.dataset.url, { credentials: "same-origin", headers: { Accept: "application/json" } })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
      .then(function (found) {
        const waits = show(found);
        if (found.pressed) draw();
        if (waits) setTimeout(ask, EVERY_MS);
      })
      .catch(() => setTimeout(ask, 5 * EVERY_MS));
  }

  ask();
  setInterval(function () {
    if (!box.hidden && stoppedAt === null) draw();
  }, 250);
})();
